// SPDX-License-Identifier: GPL-3.0-only
#include "pages/tokens/token_dialog.h"

#include "style/format.h"

#include <QComboBox>
#include <QLineEdit>
#include <QSpinBox>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int minute = 1, hour = 60, day = 24 * 60;

struct Preset
{
    QString title;
    int lifetime, unit; // unit in minutes
    int rate, requests, concurrent;
};

std::vector<Preset> presets()
{
    return {
        {TokenFormDialog::tr("Coding agent: 24 hours, 600 requests a minute"), 24, hour, 600, 0, 20},
        {TokenFormDialog::tr("Script: 1 hour, 60 requests a minute, 1,000 in all"), 1, hour, 60, 1'000, 4},
        {TokenFormDialog::tr("CI job: 30 minutes, 120 requests a minute, 500 in all"), 30, minute, 120, 500, 4},
        {TokenFormDialog::tr("Service: 30 days, 600 requests a minute"), 30, day, 600, 0, 50},
        {TokenFormDialog::tr("Demonstration: 15 minutes, 30 requests in all"), 15, minute, 30, 30, 2},
    };
}

// A double holds every whole number that the API takes, and an int does not.
QDoubleSpinBox *limitBox(double most, const QString &suffix)
{
    auto *box = new QDoubleSpinBox;
    box->setDecimals(0);
    box->setRange(0, most);
    box->setSpecialValueText(TokenFormDialog::tr("No limit"));
    box->setSuffix(suffix);
    box->setGroupSeparatorShown(true);
    return box;
}

QJsonArray listOf(const QLineEdit *edit)
{
    QJsonArray list;
    for (const QString &one : edit->text().split(u',', Qt::SkipEmptyParts))
        list.append(one.trimmed());
    return list;
}

QString textOf(const QJsonValue &list)
{
    QStringList texts;
    for (const QVariant &one : list.toArray().toVariantList())
        texts.append(one.toString());
    return texts.join(u", "_s);
}

} // namespace

TokenFormDialog::TokenFormDialog(Client &client, const QJsonArray &projects, const QString &projectId, QWidget *parent)
    : FormDialog(tr("New access token"), tr("Short-lived, limited, revocable at once. What a token may not do is refused before the provider hears of it."), tr("Create token"), parent),
      m_client(client), m_project(new QComboBox), m_preset(new QComboBox), m_unit(new QComboBox), m_lifetime(new QSpinBox)
{
    for (const QJsonValue &one : projects) {
        const QJsonObject project = one.toObject();
        if (project.value("is_active"_L1).toBool())
            m_project->addItem(shown(project.value("name"_L1).toString(), longestCell), project.value("id"_L1).toString());
    }
    m_project->setCurrentIndex(std::max(0, m_project->findData(projectId)));
    for (const Preset &preset : presets())
        m_preset->addItem(preset.title);
    m_unit->addItem(tr("minutes"), minute);
    m_unit->addItem(tr("hours"), hour);
    m_unit->addItem(tr("days"), day);
    m_lifetime->setRange(1, 100'000);
    auto *lifetime = new QWidget;
    auto *row = new QHBoxLayout(lifetime);
    row->setContentsMargins(0, 0, 0, 0);
    row->addWidget(m_lifetime);
    row->addWidget(m_unit, 1);
    m_lifetime->setAccessibleName(tr("Lifetime"));
    m_unit->setAccessibleDescription(tr("Unit of the lifetime"));
    lifetime->setFocusProxy(m_lifetime);
    addField(u"project_id"_s, tr("Project"), m_project);
    addField(u"preset"_s, tr("For"), m_preset);
    addField(u"duration_minutes"_s, tr("Lifetime"), lifetime);
    build();
    connect(m_preset, &QComboBox::currentIndexChanged, this, &TokenFormDialog::applyPreset);
    applyPreset(0);
    m_name->setFocus();
}

TokenFormDialog::TokenFormDialog(Client &client, const QJsonObject &token, QWidget *parent)
    : FormDialog(tr("Limits of %1").arg(token.value("token_masked"_L1).toString()), tr("Changes apply from the next request on. A token's end can only come earlier: revoke it, or refresh it for a new one."),
                 tr("Save"), parent),
      m_client(client), m_token(token)
{
    build();
    m_name->setText(token.value("name"_L1).toString());
    m_note->setText(token.value("note"_L1).toString());
    m_rate->setValue(token.value("rate_limit"_L1).toDouble());
    m_requests->setValue(token.value("max_requests"_L1).toDouble());
    m_concurrent->setValue(token.value("max_concurrent"_L1).toDouble());
    m_models->setText(textOf(token.value("allowed_models"_L1)));
    m_endpoints->setText(textOf(token.value("allowed_endpoints"_L1)));
    m_ips->setText(textOf(token.value("allowed_ips"_L1)));
    m_shownLimits = limits();
}

void TokenFormDialog::build()
{
    m_rate = limitBox(1'000'000, tr(" a minute"));
    m_requests = limitBox(9'007'199'254'740'991, tr(" in all"));
    m_concurrent = limitBox(1'000'000, tr(" at once"));
    m_name = new QLineEdit;
    m_name->setPlaceholderText(tr("Who or what uses it"));
    m_name->setMaxLength(200);
    m_note = new QLineEdit;
    m_note->setMaxLength(200);
    m_models = new QLineEdit;
    m_models->setPlaceholderText(tr("Every model; or gpt-4o*, o3"));
    m_endpoints = new QLineEdit;
    m_endpoints->setPlaceholderText(tr("Every endpoint; or /v1/chat/*, /v1/models"));
    m_ips = new QLineEdit;
    m_ips->setPlaceholderText(tr("Every address; or 10.0.0.0/8, ::1"));
    addField(u"name"_s, tr("Name"), m_name);
    addField(u"rate_limit"_s, tr("Rate limit"), m_rate);
    addField(u"max_requests"_s, tr("Requests"), m_requests);
    addField(u"max_concurrent"_s, tr("Concurrent"), m_concurrent);
    addField(u"allowed_models"_s, tr("Models"), m_models);
    addField(u"allowed_endpoints"_s, tr("Endpoints"), m_endpoints);
    addField(u"allowed_ips"_s, tr("Addresses"), m_ips);
    addField(u"note"_s, tr("Note"), m_note);
}

void TokenFormDialog::applyPreset(int index)
{
    const Preset preset = presets().at(static_cast<size_t>(index));
    m_lifetime->setValue(preset.lifetime);
    m_unit->setCurrentIndex(m_unit->findData(preset.unit));
    m_rate->setValue(preset.rate);
    m_requests->setValue(preset.requests);
    m_concurrent->setValue(preset.concurrent);
}

QJsonObject TokenFormDialog::limits() const
{
    const auto text = [](const QLineEdit *edit) { return edit->text().trimmed().isEmpty() ? QJsonValue() : QJsonValue(edit->text().trimmed()); };
    return {{u"name"_s, text(m_name)},
            {u"note"_s, text(m_note)},
            {u"rate_limit"_s, std::llround(m_rate->value())},
            {u"max_requests"_s, std::llround(m_requests->value())},
            {u"max_concurrent"_s, std::llround(m_concurrent->value())},
            {u"allowed_models"_s, listOf(m_models)},
            {u"allowed_endpoints"_s, listOf(m_endpoints)},
            {u"allowed_ips"_s, listOf(m_ips)}};
}

void TokenFormDialog::submit()
{
    clearProblems();
    QJsonObject body = limits();
    const bool isNew = m_token.isEmpty();
    if (isNew && m_project->currentIndex() < 0) {
        showProblem(u"project_id"_s, tr("Create or activate a project first: a token belongs to one."));
        return;
    }
    if (isNew) {
        body.insert(u"project_id"_s, m_project->currentData().toString());
        body.insert(u"duration_minutes"_s, qint64{m_lifetime->value()} * m_unit->currentData().toInt());
    }
    if (!isNew) {
        // What was not touched stays as it is there by now.
        for (auto field = m_shownLimits.constBegin(); field != m_shownLimits.constEnd(); ++field) {
            if (body.value(field.key()) == field.value())
                body.remove(field.key());
        }
        if (body.isEmpty()) {
            accept();
            return;
        }
    }
    setBusy(true);
    const QString path = isNew ? u"/manage/tokens"_s : u"/manage/tokens/"_s + m_token.value("id"_L1).toString();
    m_client.send(isNew ? "POST" : "PATCH", path, body, this, [this, isNew, body](const Reply &reply) {
        if (!reply.ok()) {
            showRefusal(reply);
            return;
        }
        if (isNew)
            Q_EMIT created(reply.body);
        else
            Q_EMIT updated(m_token, body);
        accept();
    });
}

} // namespace llmproxy::ui
