// SPDX-License-Identifier: GPL-3.0-only
// From nothing to a working token in three steps. Thread: GUI.
#pragma once

#include "dialogs/secret_field.h"
#include "pages/page.h"

#include <QComboBox>
#include <QDialog>
#include <QLineEdit>
#include <QStackedWidget>

namespace llmproxy::ui {

class FirstRun final : public QDialog
{
    Q_OBJECT
public:
    FirstRun(Console &console, QWidget *parent);

private:
    QWidget *makeWhere();
    QWidget *makeKey();
    QWidget *makeToken();
    void goTo(int step);
    void next();
    QJsonObject access() const; // what is typed of key and base URL
    void checkKey();
    bool takeProposal(const QJsonObject &proposal);
    void createProject(const QString &provider, const QJsonObject &more);
    void createToken(const QString &provider);
    void say(const QString &sentence, bool isProblem);
    void setBusy(bool busy); // nothing can be changed or begun meanwhile
    void reject() override;

    Console &m_console;
    QStackedWidget *m_steps;
    QList<QLabel *> m_marks;
    QLabel *m_status;
    QPushButton *m_demo, *m_back, *m_next;
    QComboBox *m_provider;
    SecretField *m_key;
    QLineEdit *m_baseUrl;
    QJsonValue m_version; // of m_baseUrl, as a check of the key found it: whether paths have a version segment
    QVBoxLayout *m_tokenPlace;
    QString m_projectOf, m_projectId; // a project that was made, and its provider
    bool m_hasToken = false, m_isCopied = false, m_isBusy = false;
};

} // namespace llmproxy::ui
