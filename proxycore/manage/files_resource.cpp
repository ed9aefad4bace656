// SPDX-License-Identifier: GPL-3.0-only
// GET /manage/files: what `llm-proxy run` hides from its command. Paths alone, which GET /manage/settings shows too.
#include "config/own_places.h"
#include "config/settings.h"
#include "manage/resources.h"

#include <QJsonArray>

namespace llmproxy {

namespace {

QString kindName(OwnPlace::Kind kind)
{
    switch (kind) {
    case OwnPlace::Kind::Folder: return QStringLiteral("folder");
    case OwnPlace::Kind::File: return QStringLiteral("file");
    case OwnPlace::Kind::Files: return QStringLiteral("files");
    }
    return {};
}

} // namespace

void readFiles(const CallPtr &call)
{
    QJsonArray items;
    for (const OwnPlace &place : ownPlaces(*call->context().settings))
        items.append(QJsonObject{{QStringLiteral("path"), QString::fromStdString(place.path)},
                                 {QStringLiteral("kind"), kindName(place.kind)},
                                 {QStringLiteral("what"), QString::fromStdString(place.what)}});
    answer(call, 200, {{QStringLiteral("items"), items}});
}

} // namespace llmproxy
