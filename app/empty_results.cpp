// SPDX-License-Identifier: GPL-3.0-only
// What commands say when a list is empty.
#include "management_client.h"

#include <QJsonArray>

#include <utility>

namespace llmproxy {

int refuseUnknownIds(ManagementClient &client, const ApiAnswer &answer, const Query &filters)
{
    if (!answer.ok() || !answer.body.value(QLatin1String("items")).toArray().isEmpty())
        return ExitOk;
    for (const auto &[name, value] : filters) {
        const std::string path = name == "project_id" ? "/manage/projects/" : name == "token_id" ? "/manage/tokens/" : "";
        if (path.empty() || !isId(value)) // a masked form of a token, too
            continue;
        const ApiAnswer found = client.call("GET", path + value);
        if (found.status == 404)
            return complain(found);
    }
    return ExitOk;
}

int noteIfEmpty(const std::vector<TextRow> &rows, const std::string &things, const Query &filters, const ApiAnswer &answer)
{
    const std::string place = answer.place.empty() ? std::string() : " (data directory " + answer.place + ")";
    if (rows.empty())
        note((filters.empty() ? "there are no " + things : "no " + things + " match the filter") + place);
    return ExitOk;
}

} // namespace llmproxy
