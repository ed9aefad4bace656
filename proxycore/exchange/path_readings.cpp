// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/path_readings.h"

#include "base/ascii.h"
#include "base/percent.h"
#include "upstream/profile.h"

#include <algorithm>
#include <cstdint>

namespace llmproxy {

namespace {

constexpr std::string_view separators = "/\\"; // Windows servers take both
constexpr size_t longestForm = 6;              // RFC 2279, which old decoders follow

bool isBlank(char c)
{
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
}

// The ASCII character that an overlong UTF-8 form at this position stands for, and the form's length; 0: none.
size_t overlongForm(std::string_view text, size_t at, char *character)
{
    const auto lead = static_cast<unsigned char>(text[at]);
    size_t length = 0;
    while (length < 8 && (lead & (0x80u >> length)) != 0)
        ++length;
    if (length < 2 || length > longestForm || at + length > text.size())
        return 0;
    uint64_t value = lead & (0x7fu >> length);
    for (size_t i = 1; i < length; ++i) {
        const auto next = static_cast<unsigned char>(text[at + i]);
        if ((next & 0xc0u) != 0x80)
            return 0;
        value = value << 6 | (next & 0x3fu);
    }
    *character = static_cast<char>(value);
    return value < 0x80 ? length : 0;
}

std::string withoutOverlong(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
        char character = text[at];
        const size_t length = static_cast<unsigned char>(character) >= 0x80 ? overlongForm(text, at, &character) : 0;
        out += character;
        at += std::max<size_t>(length, 1);
    }
    return out;
}

// As received, decoded once as it is and with overlong forms read, decoded twice. Fewer when nothing is coded.
std::vector<std::string> decodings(std::string_view path)
{
    std::vector<std::string> all{std::string(path)};
    if (path.find('%') == std::string_view::npos)
        return all;
    all.push_back(percentDecoded(path));
    all.push_back(withoutOverlong(all.back()));
    all.push_back(withoutOverlong(percentDecoded(all.back())));
    return all;
}

// A segment without parameters, and without blanks, which some file systems do not look at.
std::string_view plainSegment(std::string_view segment)
{
    segment = segment.substr(0, segment.find_first_of(std::string_view(";?#\0", 4)));
    while (!segment.empty() && isBlank(segment.front()))
        segment.remove_prefix(1);
    while (!segment.empty() && isBlank(segment.back()))
        segment.remove_suffix(1);
    return segment;
}

template<typename Visit>
void eachSegment(std::string_view path, Visit visit)
{
    while (!path.empty()) {
        const size_t end = std::min(path.find_first_of(separators), path.size());
        visit(plainSegment(path.substr(0, end)));
        path.remove_prefix(std::min(end + 1, path.size()));
    }
}

std::string plainForm(std::string_view path)
{
    std::string plain;
    eachSegment(path.substr(0, path.find_first_of(std::string_view("?#\0", 3))), [&plain](std::string_view segment) {
        if (!segment.empty())
            plain.append("/").append(segment);
    });
    return plain.empty() ? "/" : plain;
}

void addOnce(std::vector<std::string> *all, std::string text)
{
    if (std::find(all->begin(), all->end(), text) == all->end())
        all->push_back(std::move(text));
}

// Empty: none is named.
std::string modelOf(const std::string &path)
{
    const std::string folded = lowerCased(path);
    size_t first = path.size();
    for (const std::string_view marker : {"/models/", "/tunedmodels/", "/deployments/"}) {
        if (const size_t at = folded.find(marker); at != std::string::npos)
            first = std::min(first, at + marker.size());
    }
    const std::string rest = path.substr(first);
    return rest.substr(0, rest.find_first_of(":/"));
}

// Empty: none is named. What stands before the last slash: an ARN that was decoded has slashes of its own.
std::string bedrockModelOf(const std::string &path)
{
    constexpr std::string_view marker = "/model/";
    const size_t end = path.rfind('/');
    if (!equalsIgnoreCase(std::string_view(path).substr(0, marker.size()), marker) || end < marker.size())
        return {};
    return path.substr(marker.size(), end - marker.size());
}

std::vector<std::string> modelsOfReadings(std::string_view path, std::string (*nameOf)(const std::string &))
{
    std::vector<std::string> models;
    // A name has to be coded where it has a slash or a blank, so as received it is taken decoded: only the path around it counts.
    const std::vector<std::string> readings = decodings(path);
    addOnce(&models, percentDecoded(nameOf(plainForm(readings.front()))));
    for (size_t i = 1; i < readings.size(); ++i)
        addOnce(&models, nameOf(plainForm(readings[i])));
    if (models.size() == 1 && models.front().empty())
        models.clear();
    return models;
}

} // namespace

std::vector<std::string> readingsOf(std::string_view path)
{
    std::vector<std::string> readings;
    for (const std::string &one : decodings(path))
        addOnce(&readings, plainForm(one));
    return readings;
}

bool hasDotSegment(std::string_view path)
{
    bool found = false;
    for (const std::string &one : decodings(path))
        eachSegment(one, [&found](std::string_view segment) { found = found || segment == "." || segment == ".."; });
    return found;
}

bool allowedInEachReading(const std::vector<std::string> &globs, std::string_view path)
{
    const auto fits = [](std::string_view glob, const std::string &reading) {
        while (glob.size() > 1 && glob.back() == '/') // no reading ends so
            glob.remove_suffix(1);
        return globMatches(glob, reading);
    };
    const std::vector<std::string> readings = readingsOf(path);
    return std::all_of(readings.begin(), readings.end(), [&](const std::string &reading) {
        return std::any_of(globs.begin(), globs.end(), [&](const std::string &glob) { return fits(glob, reading); });
    });
}

std::vector<std::string> modelsInPath(std::string_view path)
{
    return modelsOfReadings(path, modelOf);
}

std::vector<std::string> bedrockModelsInPath(std::string_view path)
{
    return modelsOfReadings(path, bedrockModelOf);
}

bool isBatchPath(std::string_view path)
{
    for (const std::string &reading : readingsOf(path)) {
        const std::string last = lowerCased(std::string_view(reading).substr(reading.rfind('/') + 1));
        const auto end = std::find_if(last.begin(), last.end(), [](char c) { return !isAsciiAlnum(c) && c != '-' && c != '_'; });
        if (std::string_view(last.begin(), end) == "batches") // "batches.json" too
            return true;
    }
    return false;
}

} // namespace llmproxy
