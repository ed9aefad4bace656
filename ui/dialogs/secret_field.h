// SPDX-License-Identifier: GPL-3.0-only
// Where a provider key goes in: pasted and never shown, or a reference to an environment variable or a file. Thread: GUI.
#pragma once

#include <QWidget>

class QComboBox;
class QLineEdit;

namespace llmproxy::ui {

class SecretField final : public QWidget
{
    Q_OBJECT
public:
    explicit SecretField(QWidget *parent = nullptr);
    ~SecretField() override; // overwrites what was typed
    QString value() const;   // the key, or "env:NAME", "file:/path"
    bool isEmpty() const;
    bool isReference() const;
    void clear();
    void setPlaceholder(const QString &text);
    QLineEdit *edit() const { return m_edit; }

Q_SIGNALS:
    void changed();

private:
    void focusInEvent(QFocusEvent *event) override;
    void chooseKind(int kind);
    QComboBox *m_kind;
    QLineEdit *m_edit;
    QString m_placeholder;
};

} // namespace llmproxy::ui
