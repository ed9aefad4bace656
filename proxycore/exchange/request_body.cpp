// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/request_body.h"

#include "front/http_types.h"

#include <algorithm>
#include <simdjson.h>
#include <zlib.h>

namespace llmproxy {

namespace {

constexpr size_t inflateCap = 8 << 20;
constexpr size_t inflateRatio = 100;

BodyView fault(const char *code, const char *message)
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
        return fault("unsupported_body", "the body is not JSON, and the model rules of this access token need to read it");
    if (root.get(object) != simdjson::SUCCESS)
        return fault("unsupported_body", "the JSON body is not an object");
    BodyView view;
    view.isJson = true;
    int options = 0;
    for (const auto field : object) {
        if (field.key == "model") {
            std::string_view model;
            if (view.hasModel)
                return fault("bad_request", "the body has the member \"model\" more than once");
            if (field.value.get(model) != simdjson::SUCCESS)
                return fault("bad_request", "\"model\" is not a text");
            view.hasModel = true;
            view.model = model;
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

// RFC 7578: the parts named "model". Every part is looked at; a second model is a fault.
BodyView lookIntoMultipart(std::string_view body, std::string_view contentType)
{
    const size_t at = contentType.find("boundary=");
    if (at == std::string_view::npos)
        return fault("unsupported_body", "the multipart body has no boundary");
    std::string_view boundary = contentType.substr(at + 9);
    boundary = boundary.substr(0, boundary.find(';'));
    if (boundary.size() >= 2 && boundary.front() == '"')
        boundary = boundary.substr(1, boundary.find('"', 1) - 1);
    const std::string delimiter = "--" + std::string(trimmed(boundary));
    BodyView view;
    for (size_t part = body.find(delimiter); part != std::string_view::npos;) {
        const size_t head = part + delimiter.size();
        const size_t next = body.find(delimiter, head);
        const size_t headEnd = body.find("\r\n\r\n", head);
        if (next == std::string_view::npos || headEnd == std::string_view::npos || headEnd > next)
            break;
        std::string fields(body.substr(head, headEnd - head));
        std::transform(fields.begin(), fields.end(), fields.begin(), [](char c) { return static_cast<char>(tolower(c)); });
        if (fields.find("name=\"model\"") != std::string::npos || fields.find("name=model") != std::string::npos) {
            if (view.hasModel)
                return fault("bad_request", "the multipart body has more than one part \"model\"");
            view.hasModel = true;
            view.model = trimmed(body.substr(headEnd + 4, next - headEnd - 6));
        }
        part = next;
    }
    if (!view.hasModel)
        return fault("unsupported_body", "the multipart body has no part \"model\", which this access token's rules need");
    return view;
}

} // namespace

bool inflateCapped(std::string_view packed, size_t cap, std::string *plain)
{
    z_stream stream{};
    if (inflateInit2(&stream, 15 + 32) != Z_OK) // finds gzip or zlib by itself
        return false;
    stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    int code = Z_OK;
    char buffer[16 * 1024];
    while (code == Z_OK) {
        stream.next_out = reinterpret_cast<Bytef *>(buffer);
        stream.avail_out = sizeof buffer;
        code = inflate(&stream, Z_NO_FLUSH);
        plain->append(buffer, sizeof buffer - stream.avail_out);
        if (plain->size() > cap || plain->size() > packed.size() * inflateRatio + 1024)
            code = Z_MEM_ERROR;
    }
    inflateEnd(&stream);
    return code == Z_STREAM_END && stream.avail_in == 0; // nothing hidden behind the first member
}

BodyView lookIntoBody(std::string_view body, std::string_view contentType, std::string_view contentEncoding)
{
    std::string plain;
    if (!contentEncoding.empty() && !equalsIgnoreCase(contentEncoding, "identity")) {
        if (!equalsIgnoreCase(contentEncoding, "gzip") && !equalsIgnoreCase(contentEncoding, "deflate"))
            return fault("unsupported_body", "a body in this content coding cannot be checked against the model rules");
        if (!inflateCapped(body, inflateCap, &plain))
            return fault("unsupported_body", "the compressed body is broken or unfolds to too much");
        body = plain;
    }
    std::string type(contentType);
    std::transform(type.begin(), type.end(), type.begin(), [](char c) { return static_cast<char>(tolower(c)); });
    if (type.find("multipart/form-data") != std::string::npos)
        return lookIntoMultipart(body, contentType);
    return lookIntoJson(body); // whatever the Content-Type says: providers read JSON all the same
}

} // namespace llmproxy
