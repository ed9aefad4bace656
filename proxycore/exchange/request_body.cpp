// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/request_body.h"

#include "exchange/multipart.h"
#include "front/http_types.h"
#include "usage/content_decoder.h"

#include <simdjson.h>

namespace llmproxy {

namespace {

BodyView fault(Reason code, const char *message)
{
    BodyView view;
    view.fault = code;
    view.message = message;
    return view;
}

BodyView lookIntoJson(std::string_view body)
{
    thread_local simdjson::dom::parser parser;
    const simdjson::padded_string text(body);
    simdjson::dom::element root;
    simdjson::dom::object object;
    if (parser.parse(text).get(root) != simdjson::SUCCESS)
        return fault(Reason::UnsupportedBody, "the body is not JSON, and the model rules of this access token need to read it");
    if (root.get(object) != simdjson::SUCCESS)
        return fault(Reason::UnsupportedBody, "the JSON body is not an object");
    BodyView view;
    view.isJson = true;
    int options = 0;
    for (const auto field : object) {
        if (equalsIgnoreCase(field.key, "model")) { // some servers (Go's) do not look at the case
            std::string_view model;
            if (view.hasModel || field.key != "model")
                return fault(Reason::BadRequest, "the body has the member \"model\" more than once, or in another case");
            if (field.value.get(model) != simdjson::SUCCESS)
                return fault(Reason::BadRequest, "\"model\" is not a text");
            view.hasModel = true;
            view.model = model;
        } else if (equalsIgnoreCase(field.key, "models")) {
            simdjson::dom::array models;
            if (field.value.get(models) != simdjson::SUCCESS)
                return fault(Reason::BadRequest, "\"models\" is not a list");
            for (const auto element : models) {
                std::string_view model;
                if (element.get(model) != simdjson::SUCCESS)
                    return fault(Reason::BadRequest, "\"models\" is not a list of texts");
                view.furtherModels.emplace_back(model);
            }
        } else if (field.key == "stream") {
            bool streams = false;
            view.streams = field.value.get(streams) == simdjson::SUCCESS && streams;
        } else if (field.key == "stream_options") {
            ++options;
        }
    }
    view.hasStreamOptions = options > 0;
    return view;
}

// Every part is looked at; a second model, or one that a reader could take for it, is a fault.
BodyView lookIntoMultipart(std::string_view body, std::string_view contentType)
{
    const auto parts = readForm(body, contentType);
    if (!parts)
        return fault(Reason::UnsupportedBody, "the multipart body is in a form that readers understand differently");
    BodyView view;
    for (const FormPart &part : *parts) {
        if (!equalsIgnoreCase(part.name, "model"))
            continue;
        if (view.hasModel || part.name != "model" || !part.plain)
            return fault(Reason::BadRequest, "the multipart body has more than one part \"model\", or an odd one");
        view.hasModel = true;
        view.model = part.content;
    }
    if (!view.hasModel)
        return fault(Reason::UnsupportedBody, "the multipart body has no part \"model\", which this access token's rules need");
    return view;
}

} // namespace

BodyView lookIntoBody(std::string_view body, std::string_view contentType, std::string_view contentEncoding)
{
    std::string plain;
    if (!contentEncoding.empty() && !equalsIgnoreCase(contentEncoding, "identity")) {
        const auto decoder = ContentDecoder::create(contentEncoding);
        if (!decoder)
            return fault(Reason::UnsupportedBody, "a body in this content coding cannot be checked against the model rules");
        if (!decoder->feed(body, [&plain](std::string_view part) { plain.append(part); }) || !decoder->isComplete())
            return fault(Reason::UnsupportedBody, "the compressed body is broken or unfolds to too much");
        body = plain;
    }
    if (mediaType(contentType) == "multipart/form-data")
        return lookIntoMultipart(body, contentType);
    return lookIntoJson(body); // whatever the Content-Type says: providers read JSON all the same
}

} // namespace llmproxy
