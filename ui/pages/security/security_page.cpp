// SPDX-License-Identifier: GPL-3.0-only
#include "pages/security/security_page.h"

#include "client/answer.h"
#include "style/format.h"
#include "widgets/copy.h"

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

int rank(const QString &state)
{
    return state == "fail"_L1 ? 0 : state == "warn"_L1 ? 1 : 2;
}

} // namespace

SecurityPage::SecurityPage(Console &console)
    : Page(console, u"security"_s, tr("Security"), tr("This installation against the checklist; the same as llm-proxy doctor.")), m_failed(new Badge), m_warned(new Badge), m_passed(new Badge),
      m_onlyOpen(new QCheckBox(tr("Only open items"))), m_area(new QScrollArea), m_list(new QVBoxLayout)
{
    addHeaderButton(act(tr("Check again"), u"refresh"_s, QKeySequence(Qt::CTRL | Qt::Key_R), [this] { refresh(); }));
    auto *row = new QHBoxLayout;
    row->addWidget(m_failed);
    row->addWidget(m_warned);
    row->addWidget(m_passed);
    row->addStretch();
    row->addWidget(m_onlyOpen);
    body()->addLayout(row);
    auto *inner = new QWidget;
    m_list->setContentsMargins(0, 0, 4, 0);
    m_list->setSpacing(Theme::gap);
    inner->setLayout(m_list);
    m_area->setWidget(inner);
    m_area->setWidgetResizable(true);
    m_area->setFocusPolicy(Qt::NoFocus);
    body()->addWidget(m_area, 1);
    connect(m_onlyOpen, &QCheckBox::toggled, this, &SecurityPage::show);
}

void SecurityPage::refresh()
{
    client().get(u"/manage/doctor"_s, {}, this, [this](const Reply &reply) {
        setProblem(reply.ok() ? QString() : sentenceOf(reply));
        const QJsonArray items = forWidgets(reply.body.value("items"_L1).toArray());
        if (!reply.ok() || m_items == items)
            return;
        m_items = items;
        show();
    });
}

void SecurityPage::open(const QVariantMap &what)
{
    m_wanted = what.value(u"item"_s).toString();
    show();
}

void SecurityPage::show()
{
    clearLayout(m_list);
    int counts[3] = {};
    QWidget *wanted = nullptr;
    for (int wantedRank = 0; wantedRank < 3; ++wantedRank) {
        for (const QJsonValue &one : std::as_const(m_items)) {
            const QJsonObject item = one.toObject();
            if (rank(item.value("state"_L1).toString()) != wantedRank)
                continue;
            ++counts[wantedRank];
            if (wantedRank == 2 && m_onlyOpen->isChecked())
                continue;
            QWidget *made = cardOf(item);
            m_list->addWidget(made);
            if (item.value("id"_L1).toString() == m_wanted)
                wanted = made;
        }
    }
    m_list->addStretch();
    m_failed->set(tr("%n failed", nullptr, counts[0]), counts[0] > 0 ? Tone::Bad : Tone::Neutral);
    m_warned->set(tr("%n to look at", nullptr, counts[1]), counts[1] > 0 ? Tone::Warn : Tone::Neutral);
    m_passed->set(tr("%n passed", nullptr, counts[2]), Tone::Good);
    if (wanted)
        QMetaObject::invokeMethod(m_area, [this, wanted] { m_area->ensureWidgetVisible(wanted); }, Qt::QueuedConnection);
}

QWidget *SecurityPage::cardOf(const QJsonObject &item)
{
    const QString state = item.value("state"_L1).toString();
    const Tone tone = state == "pass"_L1 ? Tone::Good : state == "warn"_L1 ? Tone::Warn : Tone::Bad;
    const QString title = shown(item.value("title"_L1).toString(), longestCell), fix = shown(item.value("fix"_L1).toString());
    QFrame *frame = card();
    frame->setAccessibleName(title + u": "_s + (tone == Tone::Good ? tr("passed") : tone == Tone::Warn ? tr("to look at") : tr("failed")));
    auto *row = new QHBoxLayout(frame);
    row->setContentsMargins(14, 10, 14, 10);
    row->setSpacing(12);
    row->addWidget(mark(tone == Tone::Good ? u"good"_s : tone == Tone::Warn ? u"warning"_s : u"bad"_s, tone, 20), 0, Qt::AlignTop);
    auto *column = new QVBoxLayout;
    column->setSpacing(3);
    column->addWidget(label(title, "heading"));
    column->addWidget(wrapped(item.value("evidence"_L1).toString(), "muted"));
    if (!fix.isEmpty())
        column->addWidget(wrapped(tr("Fix: %1").arg(fix)));
    row->addLayout(column, 1);
    if (!fix.isEmpty()) {
        QPushButton *copy = copyButton(tr("Copy fix"), [fix] { return fix; }, false);
        copy->setAccessibleName(tr("Copy the fix of: %1").arg(title));
        row->addWidget(copy, 0, Qt::AlignTop);
    }
    return frame;
}

} // namespace llmproxy::ui
