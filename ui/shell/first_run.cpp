// SPDX-License-Identifier: GPL-3.0-only
#include "shell/first_run.h"

#include "client/answer.h"
#include "dialogs/form_dialog.h"
#include "dialogs/token_view.h"
#include "pages/projects/project_dialog.h"
#include "style/format.h"

#include <QFormLayout>
#include <QJsonArray>
#include <QScreen>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

enum Step { Where, Key, Token };

constexpr int firstTokenMinutes = 24 * 60;

} // namespace

FirstRun::FirstRun(Console &console, QWidget *parent)
    : QDialog(parent), m_console(console), m_steps(new QStackedWidget), m_status(wrapped({}, "muted")), m_demo(button(tr("Try it with the demo provider"), u"play"_s)), m_back(button(tr("Back"))),
      m_next(button(tr("Next"), {}, "primary")), m_provider(new QComboBox), m_key(new SecretField), m_baseUrl(new QLineEdit), m_tokenPlace(new QVBoxLayout)
{
    setWindowTitle(tr("Welcome to LLM Proxy"));
    setAttribute(Qt::WA_DeleteOnClose);
    setModal(true);
    resize(QSize(760, 560).boundedTo(screen()->availableSize()));
    auto *column = new QVBoxLayout(this);
    column->setContentsMargins(28, 24, 28, 20);
    column->setSpacing(16);
    column->addWidget(label(tr("Welcome to LLM Proxy"), "title"));
    auto *marks = new QHBoxLayout;
    int number = 1;
    for (const QString &name : {tr("Where things live"), tr("Your provider key"), tr("Your first token")}) {
        QLabel *mark = label(tr("%1  %2", "number of a step, its name").arg(number++).arg(name), "muted");
        m_marks.append(mark);
        marks->addWidget(mark);
        marks->addSpacing(20);
    }
    marks->addStretch();
    column->addLayout(marks);
    column->addWidget(line());
    m_steps->addWidget(makeWhere());
    m_steps->addWidget(makeKey());
    m_steps->addWidget(makeToken());
    column->addWidget(m_steps, 1);
    column->addWidget(m_status);
    auto *row = new QHBoxLayout;
    row->addWidget(m_demo);
    row->addStretch();
    row->addWidget(m_back);
    row->addWidget(m_next);
    column->addLayout(row);
    m_next->setDefault(true);
    connect(m_demo, &QPushButton::clicked, this, [this] { createProject(u"demo"_s, {}); });
    connect(m_back, &QPushButton::clicked, this, [this] { goTo(m_steps->currentIndex() - 1); });
    connect(m_next, &QPushButton::clicked, this, &FirstRun::next);
    goTo(Where);
}

QWidget *FirstRun::makeWhere()
{
    auto *page = new QWidget;
    auto *column = new QVBoxLayout(page);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(10);
    column->addWidget(wrapped(tr("You put a provider's key in here once. Programs get short-lived access tokens instead, which you can limit and take back at any time.")));
    QFrame *frame = card();
    auto *form = new QFormLayout(frame);
    form->setContentsMargins(16, 14, 16, 14);
    form->setSpacing(10);
    form->addRow(label(tr("Data")), wrapped(m_console.host.dataDir()));
    QLabel *address = wrapped(m_console.client.baseUrl());
    form->addRow(label(tr("Address")), address);
    QLabel *keys = wrapped(tr("Looking …"));
    form->addRow(label(tr("Encryption key")), keys);
    column->addWidget(frame);
    column->addWidget(wrapped(tr("Keys are encrypted before they touch the disk (AES-256-GCM) and are never shown to anyone again. Only programs on this computer can reach the proxy until you change that."), "muted"));
    column->addStretch();
    m_console.client.get(u"/manage/doctor"_s, {}, keys, [keys](const Reply &reply) {
        for (const QJsonValue &one : reply.body.value("items"_L1).toArray()) {
            if (one.toObject().value("id"_L1).toString().startsWith("encryption_key"_L1))
                keys->setText(shown(one.toObject().value("evidence"_L1).toString()));
        }
    });
    return page;
}

QWidget *FirstRun::makeKey()
{
    auto *page = new QWidget;
    auto *column = new QVBoxLayout(page);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(12);
    column->addWidget(wrapped(tr("Which provider, and which key? The key is checked with the provider before it is saved. You can add more later.")));
    auto *form = new QFormLayout;
    form->setSpacing(10);
    for (const QJsonValue &one : m_console.client.overview().value("providers"_L1).toArray())
        m_provider->addItem(one.toString());
    m_provider->setCurrentText(u"openai"_s);
    m_provider->setAccessibleName(tr("Provider"));
    m_baseUrl->setPlaceholderText(tr("The provider's own"));
    m_baseUrl->setAccessibleName(tr("Base URL"));
    connect(m_baseUrl, &QLineEdit::textEdited, this, [this] { m_version = {}; });
    form->addRow(fieldLabel(tr("Provider"), m_provider), m_provider);
    form->addRow(fieldLabel(tr("Key"), m_key), m_key);
    form->addRow(fieldLabel(tr("Base URL"), m_baseUrl), m_baseUrl);
    column->addLayout(form);
    column->addStretch();
    return page;
}

QWidget *FirstRun::makeToken()
{
    auto *page = new QWidget;
    auto *column = new QVBoxLayout(page);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(12);
    column->addWidget(wrapped(tr("Here is your first token, good for 24 hours. It is shown this once: paste it where you need it. On the page Access tokens you make others.")));
    column->addLayout(m_tokenPlace, 1);
    return page;
}

void FirstRun::goTo(int step)
{
    m_steps->setCurrentIndex(step);
    for (int i = 0; i < m_marks.size(); ++i)
        setRole(m_marks.at(i), i == step ? "heading" : "muted");
    m_back->setVisible(step == Key);
    m_demo->setVisible(step != Token && m_provider->findText(u"demo"_s) >= 0);
    m_next->setText(step == Where ? tr("Next") : step == Key ? tr("Check and continue") : tr("Done"));
    say({}, false);
    step == Key ? m_key->setFocus() : m_next->setFocus();
}

void FirstRun::say(const QString &sentence, bool isProblem)
{
    m_status->setText(shown(sentence));
    setRole(m_status, isProblem ? "problem" : "muted");
}

void FirstRun::setBusy(bool busy)
{
    m_isBusy = busy;
    m_steps->setEnabled(!busy);
    for (QPushButton *one : {m_demo, m_back, m_next})
        one->setEnabled(!busy);
}

void FirstRun::next()
{
    switch (m_steps->currentIndex()) {
    case Where:
        goTo(Key);
        break;
    case Key:
        checkKey();
        break;
    default:
        reject();
    }
}

QJsonObject FirstRun::access() const
{
    QJsonObject fields;
    if (!m_key->isEmpty())
        fields.insert(u"api_key"_s, m_key->value());
    if (!m_baseUrl->text().trimmed().isEmpty())
        fields.insert(u"base_url"_s, m_baseUrl->text().trimmed());
    if (m_version.isBool())
        fields.insert(u"version_segment"_s, m_version);
    return fields;
}

void FirstRun::checkKey()
{
    // The server tries a reference at the provider's own address only, until a project names another.
    if (m_key->isReference() && !m_baseUrl->text().trimmed().isEmpty()) {
        if (confirmed(this, tr("Save the key unchecked?"), tr("A key from an environment variable or a file can be checked at another address only once it is saved. Check it then with “Edit” on the page “Projects and keys”."), tr("Save it"), false))
            createProject(m_provider->currentText(), access());
        return;
    }
    if (m_key->isEmpty() && m_provider->currentText() != "demo"_L1) {
        say(tr("Paste the provider's key, or name where it is kept."), true);
        m_key->setFocus();
        return;
    }
    setBusy(true);
    say(tr("Asking the provider …"), false);
    QJsonObject body = access();
    body.insert(u"provider"_s, m_provider->currentText());
    m_console.client.send("POST", u"/manage/providers/check"_s, body, this, [this](const Reply &reply) {
        setBusy(false);
        const bool good = reply.ok() && reply.body.value("ok"_L1).toBool();
        showKeyCheck(m_status, reply);
        if (takeProposal(reply.body.value("proposal"_L1).toObject()))
            return;
        const QString reason = reply.body.value("reason"_L1).toString();
        // A provider that cannot be reached says nothing about the key: the person decides.
        const bool unsure = reply.ok() && (reason == "unreachable"_L1 || reason == "timeout"_L1);
        if (!good && !(unsure && confirmed(this, tr("Save the key unchecked?"), reply.body.value("message"_L1).toString(), tr("Save it"), false))) {
            m_key->setFocus(); // it went from the button while that could not be pressed
            return;
        }
        createProject(m_provider->currentText(), access());
    });
}

// The API is at another form of the address: the next press checks the key there.
bool FirstRun::takeProposal(const QJsonObject &proposal)
{
    const QString found = proposal.value("base_url"_L1).toString();
    if (found.isEmpty())
        return false;
    m_baseUrl->setText(found);
    m_version = proposal.value("version_segment"_L1);
    say(tr("The API was found at %1. The base URL was changed; press Next to check the key there.").arg(shown(found, longestCell)), true);
    m_next->setFocus();
    return true;
}

void FirstRun::createProject(const QString &provider, const QJsonObject &more)
{
    setBusy(true);
    if (m_projectOf == provider) { // made before the token was refused
        createToken(provider);
        return;
    }
    QJsonObject body = more;
    body.insert(u"name"_s, provider == "demo"_L1 ? tr("Demo") : tr("My %1 project").arg(provider));
    body.insert(u"provider"_s, provider);
    m_console.client.send("POST", u"/manage/projects"_s, body, this, [this, provider](const Reply &reply) {
        if (!reply.ok()) {
            setBusy(false);
            say(sentenceOf(reply), true);
            return;
        }
        m_projectOf = provider;
        m_projectId = reply.body.value("id"_L1).toString();
        createToken(provider);
    });
}

void FirstRun::createToken(const QString &provider)
{
    const QJsonObject wanted{{u"project_id"_s, m_projectId}, {u"name"_s, tr("First token")}, {u"duration_minutes"_s, firstTokenMinutes}};
    m_console.client.send("POST", u"/manage/tokens"_s, wanted, this, [this, provider](const Reply &made) {
        setBusy(false);
        if (!made.ok()) {
            say(sentenceOf(made), true);
            return;
        }
        if (!isAccessToken(made.body.value("token"_L1).toString())) {
            say(noToken(), true);
            return;
        }
        m_key->clear();
        auto *view = new TokenView(made.body.value("token"_L1).toString(), m_console.client.baseUrl(), provider);
        connect(view, &TokenView::copied, this, [this] { m_isCopied = true; });
        m_tokenPlace->addWidget(view);
        m_hasToken = true;
        goTo(Token);
    });
}

void FirstRun::reject()
{
    if (m_isBusy)
        return;
    if (!m_hasToken && !m_key->isEmpty() && !mayDiscard(this))
        return;
    if (m_hasToken && !m_isCopied
        && !confirmed(this, tr("Close without copying?"), tr("The token was not copied. Once this closes nobody can show it again; you would make another."), tr("Close all the same"), true))
        return;
    QDialog::accept();
}

} // namespace llmproxy::ui
