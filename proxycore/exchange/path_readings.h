// SPDX-License-Identifier: GPL-3.0-only
// What servers can make of a path. Rules about paths ask for all of it, since nobody knows how the provider's server reads: what
// one decodes, cuts off or ignores must not get past a rule. Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace llmproxy {

// The path as received, decoded once and twice (overlong UTF-8 forms too), each in its plain form: without path parameters
// (";x"), blanks around segments, empty segments, a slash at the end, and what follows a coded '?' or '#'. Each once; the first
// is of the path as received.
std::vector<std::string> readingsOf(std::string_view path);
// Whether a segment is "." or "..", as received or decoded once or twice.
bool hasDotSegment(std::string_view path);

// The globs allow the path only if they allow each reading of it.
bool allowedInEachReading(const std::vector<std::string> &globs, std::string_view path);

// The models that the readings of a path of Gemini's or Azure's form name, each once; "" stands for a reading without one, and is
// left out when none names one.
std::vector<std::string> modelsInPath(std::string_view path);
// The same for Bedrock's "/model/ID/converse": an ID may have colons and coded slashes (ARNs), and ends before the last segment.
std::vector<std::string> bedrockModelsInPath(std::string_view path);
// Whether a reading of it is a place that takes batches.
bool isBatchPath(std::string_view path);

} // namespace llmproxy
