// SPDX-License-Identifier: GPL-3.0-only
// How the text of a setting becomes its value: one reader for each kind of value. Each says what is wrong, and what is
// accepted, or nothing. Thread: any.
#pragma once

#include "config/settings_table.h"

#include <charconv>

namespace llmproxy::reads {

using Store = std::function<std::string(const std::string &value, Settings &settings)>;

Store text(std::string Settings::*member);
Store flag(bool Settings::*member);
Store duration(int64_t Settings::*member, int64_t least, int64_t most);
Store size(int64_t Settings::*member, int64_t least, int64_t most);
Store rate(int Settings::*member, bool Settings::*set = nullptr);
Store choice(std::string Settings::*member, std::vector<std::string> values);
Store networks(std::vector<Cidr> Settings::*member);
Store outside(std::vector<OutsideTarget> Settings::*member, bool onlyWeb);
// Its feature waits: only these values.
Store waits(std::vector<std::string> accepted);

std::string clientAddressHeader(const std::string &value, Settings &settings);
std::string hosts(const std::string &value, Settings &settings);
std::string listen(const std::string &value, Settings &settings);
std::string httpListen(const std::string &value, Settings &settings);
std::string origins(const std::string &value, Settings &settings);
std::string referenceOrigins(const std::string &value, Settings &settings);
Store proxy(std::string Settings::*member);
std::string managementToken(const std::string &value, Settings &settings);
std::string encryptionKey(const std::string &value, Settings &settings);
std::string fileMode(const std::string &value, Settings &settings);
std::string maskUnprefixed(const std::string &value, Settings &settings);
std::string onError(const std::string &value, Settings &settings);
std::string perAddress(const std::string &value, Settings &settings);

template<typename Number>
Store number(Number Settings::*member, int64_t least, int64_t most)
{
    return [=](const std::string &value, Settings &settings) -> std::string {
        int64_t read = 0;
        const auto result = std::from_chars(value.data(), value.data() + value.size(), read);
        if (result.ec != std::errc() || result.ptr != value.data() + value.size() || read < least || read > most)
            return "a whole number from " + std::to_string(least) + " to " + std::to_string(most) + " is accepted";
        settings.*member = static_cast<Number>(read);
        return {};
    };
}

} // namespace llmproxy::reads
