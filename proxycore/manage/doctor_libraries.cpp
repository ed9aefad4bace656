// SPDX-License-Identifier: GPL-3.0-only
// Doctor's check of the libraries that are loaded: their versions, and how old they are where they say it.
#include "base/clock.h"
#include "manage/doctor_checks.h"
#include "storage/database.h"

#include <QDate>
#include <QLocale>
#include <QString>
#include <curl/curl.h>
#include <openssl/crypto.h>

namespace llmproxy {

namespace {

// Older than this is out of most systems' care. Distributions mend old versions under their old dates: a notice, no failure.
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

} // namespace

DoctorItem checkLibraries(const ManageContext &context)
{
    const Library libraries[] = {openSsl(), {QStringLiteral("libcurl ") + QString::fromLatin1(curl_version_info(CURLVERSION_NOW)->version), {}},
                                 sqlite(context.database->sqliteVersion()), {QStringLiteral("Qt ") + QString::fromLatin1(qVersion()), {}}};
    DoctorItem made;
    made.id = "libraries";
    made.title = "Libraries in use";
    const QDate today = QDateTime::fromMSecsSinceEpoch(Clock::wallMs()).date();
    QStringList evidence, old;
    for (const Library &library : libraries) {
        evidence += library.released.isValid() ? library.text + QStringLiteral(" of ") + library.released.toString(Qt::ISODate) : library.text;
        if (library.released.isValid() && library.released.daysTo(today) > oldDays)
            old += library.text;
    }
    made.evidence = evidence.join(QStringLiteral(", ")).toStdString() + ".";
    if (old.isEmpty())
        return made;
    made.state = DoctorState::Warn;
    made.evidence += " Over three years old: " + old.join(QStringLiteral(", ")).toStdString() + ".";
    made.fix = "Install the system's security updates; move to a newer release of the system when it is no longer cared for.";
    return made;
}

} // namespace llmproxy
