// SPDX-License-Identifier: GPL-3.0-only
// What to paste where, so that a client uses the proxy. Thread: any.
#pragma once

#include <QString>

#include <vector>

namespace llmproxy::ui {

struct Snippet
{
    QString title, text;
};

// base: "http://127.0.0.1:8080"; provider: of the token's project, which says what the sample asks for.
std::vector<Snippet> snippetsFor(const QString &base, const QString &token, const QString &provider);

} // namespace llmproxy::ui
