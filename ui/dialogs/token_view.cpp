// SPDX-License-Identifier: GPL-3.0-only
#include "dialogs/token_view.h"

#include "dialogs/form_dialog.h"
#include "dialogs/snippets.h"
#include "style/format.h"
#include "widgets/copy.h"
#include "widgets/parts.h"

#include <QCheckBox>
#include <QFontDatabase>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QTabWidget>
#include <QTimer>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

TokenView::TokenView(const QString &token, const QString &base, const QString &provider, QWidget *parent) : QWidget(parent), m_token(token)
{
    const QFont fixed = QFontDatabase::systemFont(QFontDatabase::FixedFont);
    auto *column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(12);
    auto *row = new QHBoxLayout;
    auto *shown = new QLineEdit(token);
    shown->setReadOnly(true);
    shown->setFont(fixed);
    shown->setAccessibleName(tr("Access token"));
    shown->setMinimumWidth(420);
    row->addWidget(shown, 1);
    QPushButton *copy = copyButton(tr("Copy token"), [this] { return m_token; }, true);
    setRole(copy, "primary");
    setThemedIcon(copy, u"copy"_s);
    connect(copy, &QPushButton::clicked, this, &TokenView::copied);
    row->addWidget(copy);
    column->addLayout(row);

    auto *tabs = new QTabWidget;
    tabs->setAccessibleName(tr("Ready to paste"));
    for (const Snippet &snippet : snippetsFor(base, token, provider)) {
        auto *page = new QWidget;
        auto *stack = new QVBoxLayout(page);
        stack->setContentsMargins(0, 8, 0, 0);
        auto *text = new QPlainTextEdit(snippet.text);
        text->setReadOnly(true);
        text->setFont(fixed);
        text->setLineWrapMode(QPlainTextEdit::NoWrap);
        text->setAccessibleName(snippet.title);
        text->setMinimumHeight(150);
        text->setTabChangesFocus(true);
        stack->addWidget(text);
        QPushButton *copySnippet = copyButton(tr("Copy for %1").arg(snippet.title), [snippet] { return snippet.text; }, true);
        connect(copySnippet, &QPushButton::clicked, this, &TokenView::copied);
        stack->addWidget(copySnippet, 0, Qt::AlignRight);
        tabs->addTab(page, snippet.title);
    }
    column->addWidget(tabs);
    watchCopies(this, token, [this] { Q_EMIT copied(); });
}

TokenView::~TokenView()
{
    m_token.fill(u'*');
}

TokenDialog::TokenDialog(const QJsonObject &token, const QString &base, const QString &provider, QWidget *parent)
    : QDialog(parent), m_saved(new QCheckBox(tr("I have saved the token")))
{
    setWindowTitle(tr("New access token"));
    setAttribute(Qt::WA_DeleteOnClose);
    setModal(true);
    setMinimumWidth(680);
    auto *column = new QVBoxLayout(this);
    column->setContentsMargins(Theme::margin, Theme::margin, Theme::margin, Theme::margin);
    column->setSpacing(14);
    column->addWidget(label(tr("Your access token"), "title"));
    column->addWidget(wrapped(tr("It is shown this once. Only a hash of it is kept, so nobody can show it again. The clipboard forgets it after a minute."), "muted"));
    auto *view = new TokenView(token.value("token"_L1).toString(), base, provider);
    connect(view, &TokenView::copied, this, [this] { m_kept = true; });
    column->addWidget(view);
    m_graceUntil = token.value("previous"_L1).toObject().value("valid_until"_L1).toString();
    if (!m_graceUntil.isEmpty()) {
        m_grace = wrapped({}, "muted");
        column->addWidget(m_grace);
        auto *timer = new QTimer(this);
        timer->callOnTimeout(this, &TokenDialog::tickGrace);
        timer->start(1'000);
        tickGrace();
    }
    auto *row = new QHBoxLayout;
    row->addWidget(m_saved);
    row->addStretch();
    QPushButton *done = button(tr("Done"));
    connect(done, &QPushButton::clicked, this, &TokenDialog::reject);
    connect(m_saved, &QCheckBox::toggled, this, [this](bool on) { m_kept = m_kept || on; });
    row->addWidget(done);
    column->addLayout(row);
}

void TokenDialog::tickGrace()
{
    const qint64 left = QDateTime::currentDateTimeUtc().msecsTo(timeOf(m_graceUntil));
    m_grace->setText(left > 0 ? tr("The old token is still accepted for %1.").arg(duration(left)) : tr("The old token is refused now."));
}

void TokenDialog::reject()
{
    if (!m_kept && !confirmed(this, tr("Close without copying?"), tr("The token was not copied. Once this closes nobody can show it again; you would revoke it and make another."),
                              tr("Close all the same"), true))
        return;
    QDialog::accept();
}

} // namespace llmproxy::ui
