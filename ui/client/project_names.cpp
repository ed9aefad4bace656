// SPDX-License-Identifier: GPL-3.0-only
#include "client/project_names.h"

#include <QJsonArray>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int mostRead = 5'000;

} // namespace

ProjectNames::ProjectNames(Client &client, QObject *parent) : QObject(parent), m_client(client)
{
    connect(&client, &Client::serverChanged, this, [this] { forget(true); });
    connect(&client, &Client::changed, this, [this] { forget(false); });
}

QString ProjectNames::of(const QString &id)
{
    const auto known = m_names.constFind(id);
    if (known != m_names.constEnd() && !known->isEmpty())
        return *known;
    if (!id.isEmpty() && known == m_names.constEnd() && !m_missing.contains(id)) {
        m_missing.insert(id);
        m_isWanted = true;
        QMetaObject::invokeMethod(this, &ProjectNames::load, Qt::QueuedConnection); // with all that are asked for at once
    }
    return id;
}

void ProjectNames::forget(bool isOtherServer)
{
    const bool wasUsed = !m_names.isEmpty() || !m_missing.isEmpty();
    m_missing.clear();
    if (isOtherServer) {
        m_names.clear();
        m_isLoading = false; // that answer is dropped
        Q_EMIT changed();
    } else if (wasUsed) {
        m_isWanted = true;
        load();
    }
}

void ProjectNames::load()
{
    if (m_isLoading || !std::exchange(m_isWanted, false))
        return;
    m_isLoading = true;
    m_client.list(u"/manage/projects"_s, {}, mostRead, this, [this](const Reply &reply) {
        m_isLoading = false;
        if (reply.ok()) {
            m_names.clear();
            for (const QJsonValue &one : reply.body.value("items"_L1).toArray())
                m_names.insert(one.toObject().value("id"_L1).toString(), one.toObject().value("name"_L1).toString());
            Q_EMIT changed();
        }
        load(); // more was asked for meanwhile
    });
}

} // namespace llmproxy::ui
