// SPDX-License-Identifier: GPL-3.0-only
// One declared setting: its value, what it accepts, where it comes from, and a way back to the default. Thread: GUI.
#pragma once

#include "widgets/parts.h"

#include <QJsonObject>
#include <QComboBox>
#include <QLineEdit>

namespace llmproxy::ui {

class SettingRow final : public QFrame
{
    Q_OBJECT
public:
    explicit SettingRow(const QJsonObject &setting);

    QString name() const { return m_setting.value(QLatin1String("name")).toString(); }
    QString text() const { return m_choice ? m_choice->currentData().toString() : m_edit->text().trimmed(); } // empty: the default
    bool isChanged() const;   // from what is saved
    bool isReset() const { return text().isEmpty(); }
    void discard() { setText(savedText()); } // what was typed
    void setText(const QString &text);
    void setProblem(const QString &sentence);
    static bool matches(const QJsonObject &setting, const QString &typed);

Q_SIGNALS:
    void edited();

private:
    QString savedText() const;
    void makeEdit();
    void makeChoice();
    QWidget *input() const { return m_choice ? static_cast<QWidget *>(m_choice) : m_edit; }

    const QJsonObject m_setting;
    QLineEdit *m_edit = nullptr;   // one of the two
    QComboBox *m_choice = nullptr; // where a few words only are accepted
    QLabel *m_problem;
};

} // namespace llmproxy::ui
