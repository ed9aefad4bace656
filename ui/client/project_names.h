// SPDX-License-Identifier: GPL-3.0-only
// What projects are called: events and requests carry ids, people know names. Reads the list when an id is asked for that it does
// not know, and anew after each change. Thread: GUI.
#pragma once

#include "client/client.h"

#include <QHash>
#include <QSet>

namespace llmproxy::ui {

class ProjectNames final : public QObject
{
    Q_OBJECT
public:
    explicit ProjectNames(Client &client, QObject *parent = nullptr);

    // The id where there is no name: of a project that is not read yet, or deleted.
    QString of(const QString &id);

Q_SIGNALS:
    void changed();

private:
    void forget(bool isOtherServer);
    void load();

    Client &m_client;
    QHash<QString, QString> m_names;
    QSet<QString> m_missing; // asked for, and not in the list when it was last read
    bool m_isWanted = false, m_isLoading = false;
};

} // namespace llmproxy::ui
