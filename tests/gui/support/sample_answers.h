// SPDX-License-Identifier: GPL-3.0-only
// What the fake server answers unless a test says otherwise: three projects, five tokens, a log of a thousand events, two checks
// that failed. In the forms that the engine declares; a test holds them against it. Thread: any.
#pragma once

#include "fake_server.h"

namespace llmproxy::test {

void addSampleAnswers(FakeServer &server);

QJsonObject sampleOverview();
QJsonObject sampleProject(const QString &id, const QString &name, bool isActive = true);
QJsonObject sampleToken(const QString &id, const QString &name, const QString &state = QStringLiteral("active"));
QJsonObject sampleEvent(qint64 seq);
QJsonObject sampleRequest(const QString &id, const QString &phase);
QJsonObject refusal(const QString &sentence, const QString &field = {});
QJsonObject list(const QJsonArray &items);

constexpr qint64 sampleEvents = 1'000;
// The whole token that creating or refreshing one answers; of nobody.
QString sampleSecret();

} // namespace llmproxy::test
