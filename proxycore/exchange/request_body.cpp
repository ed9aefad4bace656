// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/request_body.h"

#include "base/percent.h"
#include "exchange/json_members.h"
#include "exchange/multipart.h"
#include "front/http_types.h"
#include "usage/content_decoder.h"

#include <simdjson.h>

#include <algorithm>
#include <utility>

namespace llmproxy {

namespace {

constexpr size_t longestName = 64; // of a member that could be looked for, with room for its other spellings

BodyView fault(Reason code, const char *message)
{
    BodyView view;
    view.fault = code;
    view.message = message;
    return view;
}

// The name as the most lenient of readers would take it: without regard to case, as Go's does, which folds U+017F to s and
// U+212A to k as well, and up to a NUL, as C's does.
std::string foldedName(std::string_view name)
{
    std::string folded = lowerCased(name.substr(0, name.find('\0')));
    for (const auto &[letter, plain] : {std::pair{"\xc5\xbf", "s"}, std::pair{"\xe2\x84\xaa", "k"}}) {
        for (size_t at = 0; (at = folded.find(letter, at)) != std::string::npos;)
            folded.replace(at, std::string_view(letter).size(), plain);
    }
    return folded;
}

// A NUL or a line end in a name ends it for some readers, and blanks around it are not there for others.
bool isPlainText(std::string_view model)
{
    return trimmed(model) == model && simdjson::validate_utf8(model.data(), model.size()) && std::none_of(model.begin(), model.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

class JsonLook
{
public:
    explicit JsonLook(std::string_view body)
    {
        const JsonText text = readJsonMembers(body, [this](const JsonItem &item) { return note(item); });
        if (text == JsonText::Broken)
            m_view = fault(Reason::UnsupportedBody, "the body is not JSON in UTF-8, and the model rules of this access token need to read it");
        else if (text == JsonText::Other)
            m_view = fault(Reason::UnsupportedBody, "the JSON body is not an object");
        else if (m_problem)
            m_view = fault(Reason::BadRequest, m_problem);
        else
            m_view.isJson = true;
    }
    BodyView view() && { return std::move(m_view); }

private:
    // True: the elements of this list as well.
    bool note(const JsonItem &item)
    {
        if (item.isElement) {
            check(isModelText(item), "\"models\" is not a list of texts");
            check(m_view.furtherModels.size() < mostModels, "\"models\" has more than 64 entries");
            if (!m_problem)
                m_view.furtherModels.emplace_back(item.text);
            return false;
        }
        const std::string name = foldedName(item.key.substr(0, longestName));
        if (name == "models") {
            check(item.kind == JsonKind::Array, "\"models\" is not a list");
            return true;
        }
        if (name == "model") {
            check(!m_view.hasModel && item.key == "model", "the body has the member \"model\" more than once, or in another spelling");
            check(isModelText(item), "\"model\" is not a text, is too long, or has a control character or blanks around it");
            m_view.hasModel = true;
            m_view.model = item.text;
        } else if (item.key == "stream") {
            m_view.streams = item.kind == JsonKind::True;
        } else if (item.key == "stream_options") {
            m_view.hasStreamOptions = true;
        }
        return false;
    }
    void check(bool good, const char *problem)
    {
        if (!good && !m_problem)
            m_problem = problem;
    }
    static constexpr size_t mostModels = 64; // OpenRouter's list of stand-ins has three

    static bool isModelText(const JsonItem &item) { return item.kind == JsonKind::String && !item.isCut && isPlainText(item.text); }

    BodyView m_view;
    const char *m_problem = nullptr;
};

// Every part is looked at; a second model, or one that a reader could take for it, is a fault.
BodyView lookIntoMultipart(std::string_view body, std::string_view contentType)
{
    const auto parts = readForm(body, contentType);
    if (!parts)
        return fault(Reason::UnsupportedBody, "the multipart body is in a form that readers understand differently");
    BodyView view;
    for (const FormPart &part : *parts) {
        if (!isReadAsModel(part.name))
            continue;
        if (view.hasModel || part.name != "model" || !part.plain || !isPlainText(part.content))
            return fault(Reason::BadRequest, "the multipart body has more than one part \"model\", or an odd one");
        view.hasModel = true;
        view.model = part.content;
    }
    if (!view.hasModel)
        return fault(Reason::UnsupportedBody, "the multipart body has no part \"model\", which this access token's rules need");
    return view;
}

} // namespace

// PHP's and Rack's readers take "model[]" for it, others decode the name or do not look at its case.
bool isReadAsModel(std::string_view name)
{
    const std::string folded = foldedName(percentDecoded(name));
    const std::string_view plain = trimmed(folded);
    return plain.starts_with("model") && (plain.size() == 5 || plain[5] == '[' || plain[5] == '.');
}

BodyView lookIntoBody(std::string_view body, std::string_view contentType, std::string_view contentEncoding)
{
    std::string plain;
    if (!contentEncoding.empty() && !equalsIgnoreCase(contentEncoding, "identity")) {
        const auto decoder = ContentDecoder::ofRequest(contentEncoding);
        if (!decoder)
            return fault(Reason::UnsupportedBody, "a body in this content coding cannot be checked against the model rules");
        if (!decoder->feed(body, [&plain](std::string_view part) { plain.append(part); }) || !decoder->isComplete())
            return fault(Reason::UnsupportedBody, "the compressed body is broken or unfolds to too much");
        body = plain;
    }
    if (mediaType(contentType) == "multipart/form-data")
        return lookIntoMultipart(body, contentType);
    return JsonLook(body).view(); // without rules, whatever the Content-Type says; with them isReadableBodyType() was asked
}

} // namespace llmproxy
