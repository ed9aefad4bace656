// SPDX-License-Identifier: GPL-3.0-only
#include "pages/projects/project_dialog.h"

#include "style/format.h"

#include <QComboBox>
#include <QLineEdit>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

QStringList textsOf(const QJsonValue &list)
{
    QStringList texts;
    for (const QVariant &one : list.toArray().toVariantList())
        texts.append(one.toString());
    return texts;
}

void selectText(QComboBox *box, const QString &text)
{
    if (box->findText(text) < 0)
        box->addItem(text);
    box->setCurrentText(text);
}

} // namespace

void showKeyCheck(QLabel *label, const Reply &reply)
{
    const bool good = reply.ok() && reply.body.value("ok"_L1).toBool();
    label->setText(reply.ok() ? shown(reply.body.value("message"_L1).toString()) : shown(sentenceOf(reply)));
    setRole(label, good ? "muted" : "problem");
    label->show();
}

QString noteOn(const QJsonObject &project)
{
    if (project.value("notes"_L1).toArray().isEmpty())
        return {};
    return u' ' + ProjectDialog::tr("The base URL was shortened to %1.").arg(shown(project.value("base_url"_L1).toString(), longestCell));
}

ProjectDialog::ProjectDialog(Client &client, const QJsonObject &project, QWidget *parent)
    : FormDialog(project.isEmpty() ? tr("New project") : tr("Edit %1").arg(shown(project.value("name"_L1).toString(), longestCell)),
                 tr("A project holds a provider's key. Its access tokens use the key and never see it."), project.isEmpty() ? tr("Create project") : tr("Save"), parent),
      m_client(client), m_project(project), m_name(new QLineEdit), m_baseUrl(new QLineEdit), m_models(new QLineEdit), m_provider(new QComboBox),
      m_environment(new QComboBox), m_version(new QComboBox), m_key(new SecretField), m_check(button(tr("Check key"), u"verify"_s)),
      m_useProposal(button(tr("Use this address"))), m_checked(wrapped({}, "muted"))
{
    m_name->setText(project.value("name"_L1).toString());
    m_name->setPlaceholderText(tr("Search team"));
    m_name->setMaxLength(200);
    m_provider->addItems(textsOf(client.overview().value("providers"_L1)));
    selectText(m_provider, project.isEmpty() ? u"openai"_s : project.value("provider"_L1).toString());
    m_environment->addItems({u"development"_s, u"test"_s, u"production"_s});
    if (!project.isEmpty())
        selectText(m_environment, project.value("environment"_L1).toString());
    m_baseUrl->setText(project.value("base_url"_L1).toString());
    m_baseUrl->setPlaceholderText(tr("The provider's own"));
    m_version->addItem(tr("Automatic"), QVariant());
    m_version->addItem(tr("With /v1"), true);
    m_version->addItem(tr("Without /v1"), false);
    showVersion(project.value("version_segment"_L1));
    m_models->setText(textsOf(project.value("allowed_models"_L1)).join(u", "_s));
    m_models->setPlaceholderText(tr("Every model; or gpt-4o*, o3"));
    if (!project.isEmpty()) {
        const QString masked = project.value("api_key_masked"_L1).toString();
        m_key->setPlaceholder(masked.isEmpty() ? tr("No key yet") : tr("Stays %1 unless you paste another").arg(shown(masked, longestCell)));
    }
    addField(u"name"_s, tr("Name"), m_name);
    addField(u"provider"_s, tr("Provider"), m_provider);
    addField(u"api_key"_s, tr("Provider key"), m_key, tr("Encrypted at once, and write-only: nobody can read it back, not even you."));
    auto *row = new QWidget;
    auto *cells = new QHBoxLayout(row);
    cells->setContentsMargins(0, 0, 0, 0);
    cells->addWidget(m_check);
    cells->addWidget(m_checked, 1);
    cells->addWidget(m_useProposal);
    cells->addStretch();
    addBelow(row);
    m_checked->hide();
    m_useProposal->hide();
    connect(m_useProposal, &QPushButton::clicked, this, &ProjectDialog::takeProposal);
    connect(m_check, &QPushButton::clicked, this, &ProjectDialog::checkKey);
    addField(u"environment"_s, tr("Environment"), m_environment);
    addField(u"base_url"_s, tr("Base URL"), m_baseUrl);
    addField(u"version_segment"_s, tr("Version in paths"), m_version, tr("Automatic: the base URL shows whether the server's paths have a version."));
    addField(u"allowed_models"_s, tr("Allowed models"), m_models);
    m_name->setFocus();
}

void ProjectDialog::checkKey()
{
    m_check->setEnabled(false);
    m_checked->setText(tr("Asking the provider …"));
    setRole(m_checked, "muted");
    m_checked->show();
    QJsonObject body{{u"provider"_s, m_provider->currentText()}};
    if (!m_key->isEmpty())
        body.insert(u"api_key"_s, m_key->value());
    else if (!m_project.isEmpty())
        body.insert(u"project_id"_s, m_project.value("id"_L1));
    if (!m_baseUrl->text().trimmed().isEmpty())
        body.insert(u"base_url"_s, m_baseUrl->text().trimmed());
    if (!version().isNull())
        body.insert(u"version_segment"_s, version());
    m_client.send("POST", u"/manage/providers/check"_s, body, this, [this](const Reply &reply) {
        m_check->setEnabled(true);
        showKeyCheck(m_checked, reply);
        offer(reply.body.value("proposal"_L1).toObject());
    });
}

void ProjectDialog::offer(const QJsonObject &proposal)
{
    m_proposal = proposal;
    m_useProposal->setVisible(!proposal.value("base_url"_L1).toString().isEmpty());
}

void ProjectDialog::takeProposal()
{
    m_baseUrl->setText(m_proposal.value("base_url"_L1).toString());
    showVersion(m_proposal.value("version_segment"_L1));
    offer({});
    checkKey();
}

void ProjectDialog::showVersion(const QJsonValue &version)
{
    m_version->setCurrentIndex(!version.isBool() ? 0 : version.toBool() ? 1 : 2);
}

QJsonValue ProjectDialog::version() const
{
    return m_version->currentIndex() == 0 ? QJsonValue() : QJsonValue(m_version->currentData().toBool());
}

QJsonObject ProjectDialog::fields() const
{
    QJsonObject body{{u"name"_s, m_name->text().trimmed()}, {u"environment"_s, m_environment->currentText()}};
    QJsonArray models;
    for (const QString &model : m_models->text().split(u',', Qt::SkipEmptyParts))
        models.append(model.trimmed());
    body.insert(u"allowed_models"_s, models);
    const QString baseUrl = m_baseUrl->text().trimmed();
    const bool several = m_project.value("providers"_L1).toArray().size() > 1;
    const bool providerChanged = m_provider->currentText() != m_project.value("provider"_L1).toString();
    const QJsonValue stored = m_project.value("version_segment"_L1);
    const bool isOtherPlace = baseUrl != m_project.value("base_url"_L1).toString(); // the server forgets what it knew of the old one
    const bool isOtherVersion = stored.isBool() ? version() != stored || isOtherPlace : !version().isNull();
    if (several && !providerChanged && m_key->isEmpty() && !isOtherVersion && !isOtherPlace)
        return body; // its other providers stay as they are
    body.insert(u"provider"_s, m_provider->currentText());
    if (!m_key->isEmpty())
        body.insert(u"api_key"_s, m_key->value());
    if (!baseUrl.isEmpty() || !m_project.value("base_url"_L1).toString().isEmpty())
        body.insert(u"base_url"_s, baseUrl.isEmpty() ? QJsonValue() : QJsonValue(baseUrl));
    if (isOtherVersion)
        body.insert(u"version_segment"_s, version());
    return body;
}

void ProjectDialog::submit()
{
    clearProblems();
    if (m_name->text().trimmed().isEmpty()) {
        showProblem(u"name"_s, tr("A project needs a name."));
        return;
    }
    setBusy(true);
    const bool isNew = m_project.isEmpty();
    const QString path = isNew ? u"/manage/projects"_s : u"/manage/projects/"_s + m_project.value("id"_L1).toString();
    m_client.send(isNew ? "POST" : "PATCH", path, fields(), this, [this](const Reply &reply) {
        if (!reply.ok()) {
            showRefusal(reply);
            return;
        }
        m_key->clear();
        Q_EMIT saved(reply.body);
        accept();
    });
}

RotateKeyDialog::RotateKeyDialog(Client &client, const QJsonObject &project, QWidget *parent)
    : FormDialog(tr("Rotate the key of %1").arg(project.value("name"_L1).toString()), tr("The new key is used from the next request on; running streams go on. Revoke the old key at the provider afterwards."),
                 tr("Rotate key"), parent),
      m_client(client), m_project(project), m_provider(new QComboBox), m_key(new SecretField)
{
    for (const QJsonValue &one : project.value("providers"_L1).toArray())
        m_provider->addItem(one.toObject().value("provider"_L1).toString());
    addField(u"provider"_s, tr("Provider"), m_provider);
    addField(u"api_key"_s, tr("New key"), m_key);
    m_key->setFocus();
}

void RotateKeyDialog::submit()
{
    clearProblems();
    if (m_key->isEmpty()) {
        showProblem(u"api_key"_s, tr("Paste the new key, or name where it is kept."));
        return;
    }
    setBusy(true);
    m_client.send("POST", u"/manage/projects/%1/rotate-key"_s.arg(m_project.value("id"_L1).toString()),
                  {{u"api_key"_s, m_key->value()}, {u"provider"_s, m_provider->currentText()}}, this, [this](const Reply &reply) {
        if (!reply.ok()) {
            showRefusal(reply);
            return;
        }
        m_key->clear();
        Q_EMIT rotated();
        accept();
    });
}

} // namespace llmproxy::ui
