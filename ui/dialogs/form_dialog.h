// SPDX-License-Identifier: GPL-3.0-only
// A dialog with named fields: what the server refuses is said beside the field it is about, and nothing typed is lost. Deletes
// itself when it is done. Thread: GUI.
#pragma once

#include "client/client.h"
#include "widgets/parts.h"

#include <QDialog>
#include <QFormLayout>
#include <QHash>
#include <QPointer>
#include <QTimer>

namespace llmproxy::ui {

class FormDialog : public QDialog
{
    Q_OBJECT
public:
    FormDialog(const QString &title, const QString &explanation, const QString &accept, QWidget *parent);

    // Escape, and the window's own way to close: asks when something was typed. Not while an answer is on its way: what comes with
    // it, a token, would be lost.
    void reject() override;

protected:
    void showEvent(QShowEvent *event) override;
    // field: the API's name, so that a refusal finds it. hint stands below the input.
    void addField(const QString &field, const QString &title, QWidget *input, const QString &hint = {});
    void addBelow(QWidget *widget); // belongs to the field before it
    // The accept button was pressed.
    virtual void submit() = 0;
    // While a call runs everything waits, and says so when it takes long.
    void setBusy(bool busy);
    void showRefusal(const Reply &reply);
    void showProblem(const QString &field, const QString &sentence);
    void clearProblems();
    QPushButton *acceptButton() const { return m_accept; }

private:
    struct Row
    {
        QWidget *input = nullptr;
        QLabel *problem = nullptr;
    };
    void leave();
    void scroll(const QSize &room);
    QStringList typed() const;
    QVBoxLayout *m_column;
    QFormLayout *m_form;
    QLabel *m_problem, *m_waiting;
    QPushButton *m_accept;
    QTimer m_slow;
    QPointer<QWidget> m_focus; // before the call
    QStringList m_typedAtFirst;
    bool m_isBusy = false;
    QHash<QString, Row> m_rows;
};

// One plain question; true: yes. danger: the button says so.
bool confirmed(QWidget *parent, const QString &title, const QString &text, const QString &accept, bool danger);
bool mayDiscard(QWidget *parent); // what was typed there

} // namespace llmproxy::ui
