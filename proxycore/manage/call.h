// SPDX-License-Identifier: GPL-3.0-only
// One management call on its way: what was asked, what it is about, how it is answered and audited.
// Created on the management thread; completed there, on the storage thread (changes) or on the audit
// thread (failed changes, waiting for their event). Written before it is handed over, then only read.
#pragma once

#include "audit/actions.h"
#include "manage/api.h"
#include "manage/chain_watch.h"
#include "manage/jobs.h"
#include "manage/json_input.h"
#include "manage/live_tokens.h"
#include "manage/read_throttle.h"

#include <QJsonObject>

#include <functional>
#include <memory>
#include <string>

namespace llmproxy {

struct Route;

struct ManageState
{
    ManageContext context;
    ReadThrottle reads;
    LiveTokens liveTokens;
    Jobs jobs;
    Jobs watching; // of the chain, by the engine itself
    ChainWatch chain;
    Jobs checks; // of providers: a long verification does not keep them waiting
    std::atomic<int64_t> reviewingTo{0}; // the last event of the newest review, from before it is in the log
    std::atomic<bool> savingSettings{false}; // one at a time: each is made from what the one before left
};

struct ManageCall
{
    const ManageContext &context() const { return state->context; }

    std::shared_ptr<ManageState> state;
    ManageRequest request; // its body stays with the caller: it may hold a key
    const Route *route = nullptr;
    std::string id;        // the path's {id}
    JsonInput input;       // only while the resource runs
    QueryInput query;
    ManageApi::Complete complete;

    Action action = Action::None; // of the audit event; usually the route's
    std::string projectId; // of known objects only
    std::string tokenUuid;
    std::string tokenMasked;
    std::shared_ptr<BlockPipe> blocks; // of a job whose answer has begun; its thread
};
using CallPtr = std::shared_ptr<ManageCall>;

int statusOf(ErrorKind kind);
ManageAnswer errorAnswer(const Error &error);

// The event of this call with everything every event has.
AuditEvent eventOf(const ManageCall &call, std::string_view result, int status);

void answer(const CallPtr &call, int status, const QJsonObject &body);
// Answers with the error; a failed change or validation is audited first and waits for that.
void refuse(const CallPtr &call, const Error &error);
// Ends a job that threw: what it hands out is not whole, or it is answered with 500.
void breakOff(const CallPtr &call);
// Records the event and answers when it is durable; 503 when it cannot be written. onRecord: what is to be done only then, before the
// answer. Thread: audit.
void answerAudited(const CallPtr &call, AuditEvent event, ManageAnswer durable, std::function<void()> onRecord = {});
// Decides and applies a change; composed() makes the answer's body after it is published.
void change(const CallPtr &call, int status, AccessStore::Decide decide, std::function<QJsonObject()> composed, Rights rights = Rights::Give);
// The read event: at most one per actor, address and filter a minute, none for further pages, none for
// the console's own polling; nobody waits for it.
void noteRead(const CallPtr &call, std::string_view result = "success", int status = 200, const std::string &reason = {});

} // namespace llmproxy
