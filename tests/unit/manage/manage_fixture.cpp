// SPDX-License-Identifier: GPL-3.0-only
#include "manage_fixture.h"

#include "base/clock.h"
#include "upstream/provider_url.h"

#include <QFile>
#include <QTest>

#include <future>

namespace llmproxy::test {

namespace {


} // namespace

QString Reply::errorCode() const
{
    return body.value(QLatin1String("error")).toObject().value(QLatin1String("code")).toString();
}

QString Reply::errorField() const
{
    return body.value(QLatin1String("error")).toObject().value(QLatin1String("field")).toString();
}

ManageFixture::ManageFixture(const std::function<void(ManageContext &context)> &adjust)
{
    const std::string folder = m_folder.path().toStdString();
    settings.listen = {ListenAddress::at(*IpAddress::parse("127.0.0.1"), 8080)};
    settings.dataDir = folder;
    settings.databasePath = folder + "/llm-proxy.db";
    settings.auditLogFile = folder + "/audit.log";
    settings.auditFsync = "never";
    settings.logLevel = "info";
    settings.tokenMaxLifetimeMs = 30 * dayMs;
    settings.tokenDefaultLifetimeMs = dayMs;
    settings.providerKeyMaxAgeMs = settings.managementTokenMaxAgeMs = 90 * dayMs;

    AuditConfig audit;
    audit.file = settings.auditLogFile;
    audit.fsync = AuditFsync::Never;
    const MasterKey master{Secret(std::string(32, 'k')), "environment"};
    m_database = std::make_unique<Database>(DatabaseConfig{settings.databasePath});
    m_audit = std::make_unique<AuditLog>(audit);
    m_secrets = std::make_unique<SecretCache>(makeSecretSources(folder, {}, isOwnVariable), 600'000);
    m_keys = std::make_unique<KeyRing>(KeyRing::create(master));
    const bool started = !m_database->open() && !m_database->saveKeyRingRecord(m_keys->record())
        && !m_audit->start(m_database.get())
        && !m_database->start(&snapshots, m_audit.get(), m_keys.get(), m_secrets.get());
    if (!started)
        qFatal("the fixture's database or audit log did not start");

    ManageContext context;
    context.settings = &settings;
    context.database = m_database.get();
    context.audit = m_audit.get();
    context.snapshots = &snapshots;
    context.keys = m_keys.get();
    context.secrets = m_secrets.get();
    context.providerKnown = [](const std::string &name) {
        return name == "openai" || name == "anthropic" || name == "ollama";
    };
    context.providerNames = [] { return std::vector<std::string>{"anthropic", "ollama", "openai"}; };
    context.providerNeedsKey = [](const std::string &name) { return name != "ollama"; };
    context.originOf = [](const std::string &name, const std::string &baseUrl) {
        const auto url = parseBaseUrl(baseUrl.empty() ? "https://api." + name + ".example/v1" : baseUrl);
        return url ? url->origin() : std::string();
    };
    context.readBaseUrl = [this](const std::string &, const std::string &text, std::optional<bool> version) -> Result<BaseUrlReading> {
        const auto read = readProviderUrl(text, ProviderProfile(), version);
        if (!read)
            return read.error();
        if (const char *problem = refusedHost(read->url, {settings.allowLinkLocalUpstream, settings.allowInsecureUpstream}))
            return Error{ErrorKind::Invalid, "invalid_field", problem, "base_url"};
        return BaseUrlReading{read->url.text(), read->versionSegment, read->note()};
    };
    context.certificateExpiresMs = [] { return int64_t{0}; };
    context.findRequest = [](const std::string &, bool, const auto &done) { done(std::nullopt); };
    context.renewExpiry = [](const std::string &) {};
    context.cutStreams = [this](std::vector<std::string> ids) {
        const std::lock_guard guard(m_lock);
        m_cut.insert(m_cut.end(), ids.begin(), ids.end());
    };
    context.ready = [] { return true; };
    context.askProvider = [this](const ProviderQuestion &question, const std::atomic<bool> &) {
        const std::lock_guard guard(m_lock);
        asked = question.provider + "|" + question.baseUrl + "|" + (question.key ? std::string(question.key->reveal()) : "none");
        return ProviderVerdict{"ok", 200, "Good.", {"a", "b"}};
    };
    if (adjust)
        adjust(context);
    m_api = std::make_unique<ManageApi>(std::move(context));
}

ManageFixture::~ManageFixture()
{
    m_database->stop();
    m_audit->stop();
}

Reply ManageFixture::call(const char *method, const QString &target, const QByteArray &body, const char *contentType)
{
    ManageRequest request;
    request.method = method;
    request.path = target.section(QLatin1Char('?'), 0, 0).toStdString();
    request.query = target.section(QLatin1Char('?'), 1).toStdString();
    request.body = body;
    request.contentType = contentType;
    request.actor = actor;
    request.isLocal = isLocal;
    request.requestId = "req-1";
    request.clientIp = "127.0.0.1";
    request.userAgent = "tests/1.0";
    const auto answered = std::make_shared<std::promise<ManageAnswer>>();
    auto waiting = answered->get_future();
    m_api->handle(request, [answered](ManageAnswer answer) { answered->set_value(std::move(answer)); });
    if (waiting.wait_for(std::chrono::seconds(20)) != std::future_status::ready)
        return {};
    const ManageAnswer answer = waiting.get();
    everything += answer.body;
    return {answer.status, QJsonDocument::fromJson(answer.body).object(), answer.body, answer.allow, answer.retryAfter};
}

QString ManageFixture::project(const QByteArray &fields)
{
    return post(QStringLiteral("/manage/projects"), "{" + fields + "}").text("id");
}

Reply ManageFixture::token(const QString &projectId, const QByteArray &fields)
{
    return post(QStringLiteral("/manage/tokens"),
                "{\"project_id\":\"" + projectId.toUtf8() + "\"" + (fields.isEmpty() ? "" : ",") + fields + "}");
}

std::vector<AuditEvent> ManageFixture::events(const char *action)
{
    std::vector<AuditEvent> found;
    QFile file(QString::fromStdString(settings.auditLogFile));
    if (!file.open(QIODevice::ReadOnly))
        return found;
    for (const QByteArray &line : file.readAll().split('\n')) {
        const auto event = parseAuditLine({line.constData(), static_cast<size_t>(line.size())});
        if (event && event->action.name() == action)
            found.push_back(*event);
    }
    return found;
}

void ManageFixture::edit(const QString &projectId, const std::function<void(ProviderKey &key)> &how)
{
    Project record = snapshots.current()->project(projectId.toStdString())->record;
    how(record.providers.front());
    std::promise<bool> done;
    auto changed = done.get_future();
    m_database->submit([&](const Snapshot &) -> Result<Decision> { return Decision{{PutProject{record}}, {}}; },
                       [&](const Outcome &failure) { done.set_value(!failure); });
    if (!changed.get())
        qFatal("the row was not changed");
}

std::vector<std::string> ManageFixture::takeCut()
{
    const std::lock_guard guard(m_lock);
    return std::exchange(m_cut, {});
}

} // namespace llmproxy::test
