// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/body_type.h"

#include "exchange/header_parameters.h"

#include <algorithm>

namespace llmproxy {

bool isReadableBodyType(const Headers &headers)
{
    const auto isType = [](const Header &header) { return equalsIgnoreCase(header.name, "content-type"); };
    const std::string *const value = headers.find("content-type");
    if (!value || std::count_if(headers.begin(), headers.end(), isType) != 1)
        return false;
    const std::string type = mediaType(*value);
    std::vector<HeaderParameter> parameters;
    if ((type != "application/json" && type != "multipart/form-data") || !readParameters(std::string_view(*value).substr(std::min(value->find(';'), value->size())), &parameters))
        return false;
    const bool isClear = std::all_of(parameters.begin(), parameters.end(), [&](const HeaderParameter &one) { return onlyParameter(parameters, one.name) == &one; });
    return isClear && isOfUtf8(parameters);
}

} // namespace llmproxy
