// SPDX-License-Identifier: GPL-3.0-only
// Doctor's check of the libraries that are loaded: their versions, and how old they are where they say it.
#include "base/clock.h"
#include "manage/doctor_checks.h"
#include "storage/database.h"

#include <QDate>
#include <QFile>
#include <QLocale>
#include <QString>
#include <curl/curl.h>
#include <openssl/crypto.h>
#include <span>

namespace llmproxy {

namespace {

// Older than this is out of most systems' care.
constexpr qint64 oldDays = 3 * 365;

struct Library
{
    QString text; // name and version
    QDate released;
};

// "OpenSSL 3.0.17 1 Jul 2025"
Library openSsl()
{
    const QString text = QString::fromLatin1(OpenSSL_version(OPENSSL_VERSION));
    const QStringList words = text.split(u' ', Qt::SkipEmptyParts);
    Library library{words.mid(0, 2).join(u' '), {}};
    if (words.size() >= 5)
        library.released = QLocale::c().toDate(words.mid(2, 3).join(u' '), QStringLiteral("d MMM yyyy"));
    return library;
}

// "3.40.1 2022-12-28 14:03:47 …": version and source id
Library sqlite(const std::string &version)
{
    const QStringList words = QString::fromStdString(version).split(u' ');
    return {QStringLiteral("SQLite ") + words.value(0), QDate::fromString(words.value(1), Qt::ISODate)};
}

// The day of the first release of a version, from the projects' own histories (curl.se/docs/releases.html, download.qt.io).
struct Release
{
    const char *version; // without its last number
    const char *date;
};

constexpr Release curlReleases[] = {{"7.74", "2020-12-09"}, {"7.76", "2021-03-31"}, {"7.79", "2021-09-15"}, {"7.81", "2022-01-05"}, {"7.82", "2022-03-05"},
                                    {"7.85", "2022-08-31"}, {"7.86", "2022-10-26"}, {"7.87", "2022-12-21"}, {"7.88", "2023-02-15"}, {"8.0", "2023-03-20"},
                                    {"8.1", "2023-05-17"}, {"8.2", "2023-07-19"}, {"8.3", "2023-09-13"}, {"8.4", "2023-10-11"}, {"8.5", "2023-12-06"},
                                    {"8.6", "2024-01-31"}, {"8.7", "2024-03-27"}, {"8.8", "2024-05-22"}, {"8.9", "2024-07-24"}, {"8.10", "2024-09-11"},
                                    {"8.11", "2024-11-06"}, {"8.12", "2025-02-05"}, {"8.13", "2025-04-02"}, {"8.14", "2025-05-28"}, {"8.15", "2025-07-16"},
                                    {"8.16", "2025-09-10"}};
constexpr Release qtReleases[] = {{"6.4", "2022-09-29"}, {"6.5", "2023-04-03"}, {"6.6", "2023-10-10"}, {"6.7", "2024-04-02"},
                                  {"6.8", "2024-10-08"}, {"6.9", "2025-04-02"}, {"6.10", "2025-10-07"}};

// Invalid: it is newer than the table, or older than anything that we build with.
QDate releasedOn(std::span<const Release> releases, const QString &version)
{
    const QString begin = version.section(u'.', 0, 1);
    for (const Release &release : releases) {
        if (begin == QLatin1String(release.version))
            return QDate::fromString(QLatin1String(release.date), Qt::ISODate);
    }
    return {};
}

Library dated(const char *name, std::span<const Release> releases, const QString &version)
{
    return {QLatin1String(name) + u' ' + version, releasedOn(releases, version)};
}

// Until when a distribution's release receives security updates without a contract, as its makers had announced by November 2025.
struct Distribution
{
    const char *id, *version;
    const char *until;
};

constexpr Distribution distributions[] = {{"debian", "11", "2026-08-31"}, {"debian", "12", "2028-06-30"}, {"debian", "13", "2030-06-30"},
                                          {"ubuntu", "22.04", "2027-04-30"}, {"ubuntu", "24.04", "2029-04-30"}, {"ubuntu", "25.10", "2026-07-31"},
                                          {"fedora", "42", "2026-05-31"}, {"fedora", "43", "2026-12-31"}, {"rhel", "8", "2029-05-31"}, {"rhel", "9", "2032-05-31"},
                                          {"rhel", "10", "2035-05-31"}, {"almalinux", "8", "2029-03-01"}, {"almalinux", "9", "2032-05-31"}, {"almalinux", "10", "2035-05-31"},
                                          {"rocky", "8", "2029-05-31"}, {"rocky", "9", "2032-05-31"}, {"rocky", "10", "2035-05-31"}, {"alpine", "3.20", "2026-04-01"},
                                          {"alpine", "3.21", "2026-11-01"}, {"alpine", "3.22", "2027-05-01"}, {"opensuse-leap", "15.6", "2026-04-30"}, {"arch", "", "9999-12-31"}};

QString fieldOf(const QString &osRelease, const QLatin1String &name)
{
    for (const QString &line : osRelease.split(u'\n')) {
        if (line.startsWith(name) && line.mid(name.size()).startsWith(u'='))
            return line.mid(name.size() + 1).trimmed().remove(u'"').remove(u'\'');
    }
    return {};
}

} // namespace

Support supportOf(const QString &osRelease, const QDate &today)
{
    const QString id = fieldOf(osRelease, QLatin1String("ID")), version = fieldOf(osRelease, QLatin1String("VERSION_ID"));
    Support support{fieldOf(osRelease, QLatin1String("PRETTY_NAME")), {}, false};
    for (const Distribution &one : distributions) {
        const QLatin1String listed(one.version);
        const bool isSame = listed.isEmpty() || version == listed || version.startsWith(listed + QLatin1Char('.'));
        if (id == QLatin1String(one.id) && isSame)
            support.until = QDate::fromString(QLatin1String(one.until), Qt::ISODate);
    }
    support.isCurrent = support.until.isValid() && support.until >= today;
    return support;
}

DoctorItem checkLibraries(const ManageContext &context)
{
    const Library libraries[] = {openSsl(), dated("libcurl", curlReleases, QString::fromLatin1(curl_version_info(CURLVERSION_NOW)->version)),
                                 sqlite(context.database->sqliteVersion()), dated("Qt", qtReleases, QString::fromLatin1(qVersion()))};
    DoctorItem made = item("libraries", "Libraries in use", {});
    const QDate today = QDateTime::fromMSecsSinceEpoch(Clock::wallMs()).date();
    QStringList evidence, old;
    for (const Library &library : libraries) {
        evidence += library.released.isValid() ? library.text + QStringLiteral(" of ") + library.released.toString(Qt::ISODate) : library.text;
        if (library.released.isValid() && library.released.daysTo(today) > oldDays)
            old += library.text;
    }
    made.evidence = evidence.join(QStringLiteral(", ")).toStdString() + ".";
    QFile osRelease(QStringLiteral("/etc/os-release"));
    const Support support = supportOf(osRelease.open(QIODevice::ReadOnly) ? QString::fromUtf8(osRelease.read(64 << 10)) : QString(), today);
    if (support.isCurrent) {
        made.evidence += " " + support.name.toStdString() + " receives security updates" + (support.until.year() < 9999 ? " until " + support.until.toString(Qt::ISODate).toStdString() : "") + ".";
        return made;
    }
    if (support.until.isValid()) {
        made.state = DoctorState::Warn;
        made.evidence += " " + support.name.toStdString() + " has received no security updates since " + support.until.toString(Qt::ISODate).toStdString() + ".";
        made.fix = "Upgrade the system to a release that receives security updates.";
        return made;
    }
    if (old.isEmpty())
        return made;
    made.state = DoctorState::Warn;
    made.evidence += " Over three years old: " + old.join(QStringLiteral(", ")).toStdString() + ".";
    made.fix = "Install the system's security updates; move to a newer release of the system when it no longer receives them.";
    return made;
}

} // namespace llmproxy
