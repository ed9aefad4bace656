// SPDX-License-Identifier: GPL-3.0-only
#include "manage/chain_watch.h"

#include "audit/checkpoint.h"
#include "base/log.h"
#include "config/settings.h"
#include "manage/audit_handout.h"
#include "manage/call.h"
#include "storage/audit_check.h"
#include "storage/database.h"

#include <algorithm>
#include <utility>

namespace llmproxy {

namespace {

constexpr int64_t freshMs = 10'000;

// Of file and table the one that goes less far: what the other has beyond it is looked at again.
const VerifyReport &shorter(const AuditCheckReport &report)
{
    if (!report.file || !report.table)
        return report.file ? *report.file : *report.table;
    return report.file->lastSeq <= report.table->lastSeq ? *report.file : *report.table;
}

// The log's own start compares its files with what the database knows of them, and has put on record what it found.
bool isKnownFromStart(const ManageContext &context, const VerifyProblem &problem)
{
    const auto lastOf = [](const VerifyProblem &one) { return std::max(one.seq, one.toSeq); };
    const std::vector<VerifyProblem> found = context.audit->foundAtStart();
    return std::any_of(found.begin(), found.end(), [&](const VerifyProblem &one) { return one.seq <= lastOf(problem) && problem.seq <= lastOf(one); });
}

// What is found again at the next look, a file that cannot be read for one, is put on record once.
void noteProblem(const ManageContext &context, const VerifyProblem &problem, ChainMark &mark)
{
    if (problem.message == mark.problem)
        return;
    mark.problem = problem.message;
    mark.problemMs = mark.verifiedMs;
    if (!context.audit->config().readOnly && !isKnownFromStart(context, problem))
        context.audit->report({"chain_broken", problem.message, problem.seq, std::max(problem.toSeq, problem.seq)});
}

// While one of file and table fails, it lacks what the other has, and gets it later; and a file that was cut or replaced a moment ago
// is the log's to report.
bool isSettled(const ManageContext &context)
{
    return context.audit->config().readOnly || (context.audit->fileTroubleNow().empty() && context.audit->healthy());
}

void look(const std::shared_ptr<ManageState> &state, const std::atomic<bool> &cancelled)
{
    const ManageContext &context = state->context;
    const auto before = state->chain.last();
    auto mark = before ? before : context.database->chainMark();
    if (!mark || !isSettled(context))
        return; // the application log says why
    CheckpointKeys keys;
    AuditCheckInput input = auditCheckInput(context, keys);
    input.anchors.clear(); // each is read whole
    input.afterSeq = mark->seq;
    input.afterHash = mark->hash;
    input.cancelled = &cancelled;
    const auto report = checkAudit(input);
    if (!report || report->cancelled || !isSettled(context)) {
        if (!report)
            logWarn("the audit log's chain cannot be verified", {{"error", report.error().message}});
        return;
    }
    const auto meanwhile = state->chain.last();
    if (meanwhile && meanwhile->wholeMs > mark->wholeMs)
        return; // somebody verified all of it
    mark->verifiedMs = Clock::wallMs();
    if (const VerifyProblem *problem = report->first())
        noteProblem(context, *problem, *mark);
    if (const VerifyReport &part = shorter(*report); part.lastSeq > 0) {
        mark->seq = part.lastSeq;
        mark->hash = part.lastHash;
    }
    state->chain.set(*mark);
    if (!context.audit->config().readOnly)
        context.database->noteChainMark(*mark);
}

} // namespace

std::optional<ChainMark> ChainWatch::last() const
{
    const std::lock_guard guard(m_lock);
    return m_mark;
}

void ChainWatch::set(ChainMark mark)
{
    const std::lock_guard guard(m_lock);
    m_mark = std::move(mark);
    m_setMs = Clock::steadyMs();
}

ChainWatch::Begin ChainWatch::begin(std::function<void()> done)
{
    const std::lock_guard guard(m_lock);
    if (!m_isLooking && m_mark && Clock::steadyMs() - m_setMs < freshMs)
        return Begin::Fresh;
    if (done)
        m_waiting.push_back(std::move(done));
    return std::exchange(m_isLooking, true) ? Begin::Waits : Begin::Looks;
}

void ChainWatch::end()
{
    std::vector<std::function<void()>> waiting;
    {
        const std::lock_guard guard(m_lock);
        m_isLooking = false;
        waiting.swap(m_waiting);
    }
    for (const auto &done : waiting)
        done();
}

bool verifyNew(const std::shared_ptr<ManageState> &state, std::function<void()> done)
{
    if (!state->context.settings->auditEnabled)
        return false;
    const ChainWatch::Begin begin = state->chain.begin(std::move(done));
    if (begin != ChainWatch::Begin::Looks)
        return begin == ChainWatch::Begin::Waits;
    const auto over = [state] { state->chain.end(); };
    const bool isStarted = state->watching.start([state, over](const std::atomic<bool> &cancelled) {
        look(state, cancelled);
        state->watching.afterwards(over);
    }, over);
    if (!isStarted)
        over(); // the server is stopping
    return true;
}

void noteVerified(const std::shared_ptr<ManageState> &state, const AuditCheckReport &report)
{
    const auto before = state->chain.last();
    ChainMark mark = before ? *before : state->context.database->chainMark().value_or(ChainMark());
    const VerifyProblem *problem = report.first();
    mark.wholeMs = mark.verifiedMs = Clock::wallMs();
    mark.problemMs = !problem ? 0 : problem->message == mark.problem ? mark.problemMs : mark.wholeMs;
    mark.problem = problem ? problem->message : "";
    mark.seq = shorter(report).lastSeq;
    mark.hash = shorter(report).lastHash;
    state->chain.set(mark);
    if (!state->context.audit->config().readOnly)
        state->context.database->noteChainMark(mark);
}

} // namespace llmproxy
