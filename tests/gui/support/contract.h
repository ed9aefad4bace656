// SPDX-License-Identifier: GPL-3.0-only
// Holds calls and answers against the API as the engine declares it. Thread: any.
#pragma once

#include "fake_server.h"

namespace llmproxy::test {

// Why the real server would not take the call; empty: it would.
QString callFault(const Call &call, const QByteArray &body);
// What of an answer is not as declared; empty: nothing.
QString answerFault(const QByteArray &method, const QString &path, const QJsonObject &body);

} // namespace llmproxy::test
