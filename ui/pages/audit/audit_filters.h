// SPDX-License-Identifier: GPL-3.0-only
// The filter bar: what was chosen stands as a chip that a click takes away. Thread: GUI.
#pragma once

#include "client/project_names.h"

#include <QMap>
#include <QWidget>

class QComboBox;
class QDateTimeEdit;
class QHBoxLayout;
class QLineEdit;
class QMenu;

namespace llmproxy::ui {

class AuditFilters final : public QWidget
{
    Q_OBJECT
public:
    AuditFilters(Client &client, ProjectNames &projects, QWidget *parent = nullptr);
    Query query() const;
    void set(const QString &name, const QString &value); // empty: takes it away
    void clear();
    bool isEmpty() const { return m_values.isEmpty(); }

Q_SIGNALS:
    void changed();

private:
    void offer(QMenu *menu);
    static QString choiceText(const QString &value, const QString &events);
    QString nameOf(const QString &name, const QString &value) const;
    void nameToken(QAction *choice, const QString &id, const QString &events);
    void askFor(const QString &name);
    void rebuild();
    static QString titleOf(const QString &name);

    Client &m_client;
    ProjectNames &m_projects;
    QHash<QString, QString> m_maskedTokens; // by id
    QMap<QString, QString> m_values; // by the API's name
    QLineEdit *m_text;
    QComboBox *m_span;
    QHBoxLayout *m_chips;
};

} // namespace llmproxy::ui
