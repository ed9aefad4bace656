// SPDX-License-Identifier: GPL-3.0-only
#include "pages/settings/setting_row.h"

#include "style/format.h"

#include <QJsonArray>
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

// A server of before does not say.
bool mayChange(const QJsonObject &setting)
{
    return setting.value("why_not_saved"_L1).isNull() && setting.value("may_change"_L1).toString() != "no"_L1;
}

// What this console may not do, as it is not on the server's machine.
QString limitText(const QJsonObject &setting)
{
    const QString may = setting.value("may_change"_L1).toString();
    if (may == "lower"_L1)
        return SettingRow::tr("Can only be lowered from here; raise it on the server's machine itself.");
    if (may == "raise"_L1)
        return SettingRow::tr("Can only be raised from here; lower it on the server's machine itself.");
    const bool isElsewhere = may == "no"_L1 && setting.value("why_not_saved"_L1).isNull();
    return isElsewhere ? SettingRow::tr("Can only be changed on the server's machine itself.") : QString();
}

} // namespace

SettingRow::SettingRow(const QJsonObject &setting) : m_setting(setting), m_problem(wrapped({}, "problem"))
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
    QString meaning = shown(textOf("meaning"_L1));
    meaning.replace(0, 1, meaning.left(1).toUpper());
    column->addWidget(wrapped(meaning, "muted"));
    if (const QString limit = limitText(setting); !limit.isEmpty())
        column->addWidget(wrapped(limit, "muted"));
    auto *row = new QHBoxLayout;
    const bool isSavable = mayChange(setting);
    isSavable && !setting.value("choices"_L1).toArray().isEmpty() ? makeChoice() : makeEdit();
    input()->setAccessibleName(shown(name(), longestCell));
    // A box is named by what is chosen in it.
    input()->setAccessibleDescription(m_choice ? input()->accessibleName() + u": "_s + meaning : meaning);
    row->addWidget(input(), 1);
    column->addLayout(row);
    m_problem->hide();
    column->addWidget(m_problem);
    if (!isSavable)
        return;
    input()->setToolTip(asPlainTip(tr("Accepted: %1").arg(textOf("accepts"_L1))));
    QPushButton *reset = button(tr("Reset"));
    reset->setAccessibleName(tr("Reset %1 to its default").arg(input()->accessibleName()));
    reset->setEnabled(!isReset());
    connect(reset, &QPushButton::clicked, this, [this] { setText({}); });
    connect(this, &SettingRow::edited, reset, [this, reset] { reset->setEnabled(!isReset()); });
    row->addWidget(reset);
}

void SettingRow::makeEdit()
{
    const auto textOf = [&](const QLatin1String &field) { return m_setting.value(field).toString(); };
    m_edit = new QLineEdit;
    if (const QString reason = textOf("why_not_saved"_L1); !reason.isEmpty()) {
        const bool secret = m_setting.value("secret"_L1).toBool();
        m_edit->setEnabled(false);
        m_edit->setText(secret ? QString() : shown(textOf("value"_L1)));
        m_edit->setPlaceholderText(!secret ? tr("Not changed here: %1").arg(shown(reason, longestCell)) : m_setting.value("is_set"_L1).toBool() ? tr("Set; never shown. Given by the environment or .env.") : tr("Not set; given by the environment or .env."));
        return;
    }
    if (!mayChange(m_setting)) {
        m_edit->setEnabled(false);
        m_edit->setText(shown(textOf("value"_L1)));
        return;
    }
    m_edit->setText(savedText());
    const QString effective = shown(textOf("value"_L1), longestCell), normal = shown(textOf("default"_L1), longestCell);
    m_edit->setPlaceholderText(!effective.isEmpty() && effective != normal ? tr("Now %1").arg(effective) : normal.isEmpty() ? tr("None") : normal);
    connect(m_edit, &QLineEdit::textChanged, this, &SettingRow::edited);
}

void SettingRow::makeChoice()
{
    m_choice = stillBox();
    const QString normal = shown(m_setting.value("default"_L1).toString(), longestCell);
    m_choice->addItem(normal.isEmpty() ? tr("Default") : tr("Default: %1").arg(normal), QString());
    for (const QJsonValue &one : m_setting.value("choices"_L1).toArray())
        m_choice->addItem(shown(one.toString(), longestCell), one.toString());
    setText(savedText());
    connect(m_choice, &QComboBox::currentIndexChanged, this, &SettingRow::edited);
}

void SettingRow::setText(const QString &text)
{
    if (m_edit) {
        m_edit->setText(text);
        return;
    }
    if (m_choice->findData(text) < 0)
        m_choice->addItem(shown(text, longestCell), text); // saved as another word for the same: "yes"
    m_choice->setCurrentIndex(m_choice->findData(text));
}

QString SettingRow::savedText() const
{
    return m_setting.value("saved"_L1).toString();
}

bool SettingRow::isChanged() const
{
    return input()->isEnabled() && text() != savedText();
}

void SettingRow::setProblem(const QString &sentence)
{
    m_problem->setText(shown(sentence));
    m_problem->setVisible(!sentence.isEmpty());
    input()->setProperty("wrong", !sentence.isEmpty());
    input()->style()->polish(input());
}

bool SettingRow::matches(const QJsonObject &setting, const QString &typed)
{
    return setting.value("name"_L1).toString().contains(typed, Qt::CaseInsensitive) || setting.value("meaning"_L1).toString().contains(typed, Qt::CaseInsensitive);
}

} // namespace llmproxy::ui
