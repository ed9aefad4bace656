// SPDX-License-Identifier: GPL-3.0-only
#include "pages/settings/setting_row.h"

#include "style/format.h"

#include <QStyle>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

QString originText(const QString &origin)
{
    if (origin == "flag"_L1)
        return SettingRow::tr("given on the command line, which wins over what is saved here");
    if (origin == "environment"_L1)
        return SettingRow::tr("given in the environment, which wins over what is saved here");
    if (origin == ".env"_L1)
        return SettingRow::tr("given in .env, which wins over what is saved here");
    return origin == "saved"_L1 ? SettingRow::tr("saved here") : SettingRow::tr("default");
}

} // namespace

SettingRow::SettingRow(const QJsonObject &setting) : m_setting(setting), m_edit(new QLineEdit), m_problem(wrapped({}, "problem"))
{
    setProperty("role", u"card"_s);
    const auto textOf = [&](const QLatin1String &field) { return setting.value(field).toString(); };
    const bool secret = setting.value("secret"_L1).toBool();
    auto *column = new QVBoxLayout(this);
    column->setContentsMargins(14, 10, 14, 10);
    column->setSpacing(4);
    auto *head = new QHBoxLayout;
    head->addWidget(label(name(), "heading"), 1);
    // Saved since the start, and used from the next one on.
    const bool waits = !setting.value("saved"_L1).isNull() && textOf("origin"_L1) == "default"_L1;
    QStringList notes{waits ? tr("saved, not in use yet") : originText(textOf("origin"_L1))};
    if (!secret && setting.value("needs_restart"_L1).toBool())
        notes.append(tr("needs a restart"));
    head->addWidget(label(notes.join(u" · "_s), "muted"));
    column->addLayout(head);
    QString meaning = textOf("meaning"_L1);
    meaning.replace(0, 1, meaning.left(1).toUpper());
    column->addWidget(wrapped(meaning, "muted"));
    auto *row = new QHBoxLayout;
    m_edit->setAccessibleName(name());
    m_edit->setAccessibleDescription(textOf("meaning"_L1));
    row->addWidget(m_edit, 1);
    column->addLayout(row);
    m_problem->hide();
    column->addWidget(m_problem);
    if (const QString reason = textOf("why_not_saved"_L1); !reason.isEmpty()) {
        m_edit->setEnabled(false);
        m_edit->setText(secret ? QString() : textOf("value"_L1));
        m_edit->setPlaceholderText(!secret ? tr("Not changed here: %1").arg(reason) : setting.value("is_set"_L1).toBool() ? tr("Set; never shown. Given by the environment or .env.") : tr("Not set; given by the environment or .env."));
        return;
    }
    m_edit->setText(savedText());
    const QString effective = textOf("value"_L1), normal = textOf("default"_L1);
    m_edit->setPlaceholderText(!effective.isEmpty() && effective != normal ? tr("Now %1").arg(effective) : normal.isEmpty() ? tr("None") : normal);
    m_edit->setToolTip(asPlainTip(tr("Accepted: %1").arg(textOf("accepts"_L1))));
    QPushButton *reset = button(tr("Reset"));
    reset->setAccessibleName(tr("Reset %1 to its default").arg(name()));
    reset->setEnabled(!m_edit->text().isEmpty());
    connect(reset, &QPushButton::clicked, this, [this] { m_edit->clear(); });
    connect(m_edit, &QLineEdit::textChanged, this, [this, reset] {
        reset->setEnabled(!m_edit->text().isEmpty());
        Q_EMIT edited();
    });
    row->addWidget(reset);
}

QString SettingRow::savedText() const
{
    return m_setting.value("saved"_L1).toString();
}

bool SettingRow::isChanged() const
{
    return m_edit->isEnabled() && text() != savedText();
}

void SettingRow::setProblem(const QString &sentence)
{
    m_problem->setText(sentence);
    m_problem->setVisible(!sentence.isEmpty());
    m_edit->setProperty("wrong", !sentence.isEmpty());
    m_edit->style()->polish(m_edit);
}

bool SettingRow::matches(const QString &typed) const
{
    return typed.isEmpty() || name().contains(typed, Qt::CaseInsensitive) || m_setting.value("meaning"_L1).toString().contains(typed, Qt::CaseInsensitive);
}

} // namespace llmproxy::ui
