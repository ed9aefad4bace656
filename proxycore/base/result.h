// SPDX-License-Identifier: GPL-3.0-only
// Errors as values. An Error says whose fault it is and which input field it is about; it never
// holds a secret. Result<T> is either a value or an Error. Thread: any, plain values.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace llmproxy {

enum class ErrorKind {
    Precondition, // 412
    Invalid,      // the caller's input; management answers 400
    Unauthorized, // 401
    Forbidden,    // 403
    NotFound,     // 404
    Conflict,     // 409
    Unavailable,  // our own storage, key or audit trouble; 503, retryable
    Internal,     // 500
};

struct Error {
    ErrorKind kind = ErrorKind::Internal;
    std::string code;    // machine word, e.g. "invalid_field"
    std::string message; // a sentence for the caller: what happened, why, what to do
    std::string field;   // the JSON field, setting or flag it is about; may be empty
    bool isOnRecord = false; // the audit log says already that it failed
};

template<typename T>
class [[nodiscard]] Result
{
public:
    Result(T value) : m_value(std::move(value)) {}
    Result(Error error) : m_value(std::move(error)) {}

    bool ok() const { return std::holds_alternative<T>(m_value); }
    explicit operator bool() const { return ok(); }
    T &value() { return std::get<T>(m_value); }
    const T &value() const { return std::get<T>(m_value); }
    T &operator*() { return value(); }
    const T &operator*() const { return value(); }
    T *operator->() { return &value(); }
    const T *operator->() const { return &value(); }
    const Error &error() const { return std::get<Error>(m_value); }

private:
    std::variant<T, Error> m_value;
};

// Success or an Error.
using Outcome = std::optional<Error>;

} // namespace llmproxy
