// SPDX-License-Identifier: GPL-3.0-only
#include "storage/migrations.h"

#include "base/log.h"
#include "base/owned_file.h"

#include <QDir>
#include <QFile>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

static void initSqlResource()
{
    Q_INIT_RESOURCE(sql); // we are a static library: nobody else does it
}

namespace llmproxy {

namespace {

Error migrationError(const std::string &message)
{
    return {ErrorKind::Unavailable, "storage_schema", message, "DATABASE_PATH"};
}

int numberOf(const QString &file)
{
    return file.left(4).toInt();
}

QStringList filesOf(const QString &folder)
{
    return QDir(folder).entryList({QStringLiteral("*.sql")}, QDir::Files, QDir::Name);
}

// Made under another name first: an earlier copy is replaced by a whole one only.
Outcome backUp(SqlConnection &connection, const std::string &path, int version)
{
    const std::string target = path + ".backup-v" + std::to_string(version);
    const std::string unfinished = target + ".new";
    unlink(unfinished.c_str());
    std::string problem;
    const int descriptor = openOwned(unfinished, O_WRONLY | O_CREAT | O_EXCL, 0600, &problem);
    if (descriptor < 0)
        return migrationError("The copy '" + unfinished + "' cannot be made (" + problem + "); nothing was changed.");
    QSqlQuery copy = connection.query();
    copy.prepare(QStringLiteral("VACUUM INTO ?")); // an existing empty file is accepted and keeps its mode
    copy.addBindValue(QString::fromStdString(unfinished));
    const bool copied = ran(copy, "backup") && fsync(descriptor) == 0
                        && std::rename(unfinished.c_str(), target.c_str()) == 0;
    close(descriptor);
    if (!copied) {
        unlink(unfinished.c_str());
        return migrationError("The database cannot be copied to '" + target + "' before its change; nothing was changed. "
                              "Is there enough space?");
    }
    logInfo("storage_backup", {{"file", target}});
    return {};
}

bool runFile(SqlConnection &connection, const QString &path)
{
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly))
        return false;
    const QStringList statements = splitStatements(QString::fromUtf8(file.readAll()));
    for (const QString &statement : statements) {
        if (!connection.run(statement))
            return false;
    }
    return true;
}

} // namespace

QStringList splitStatements(const QString &text)
{
    QStringList statements;
    QString current;
    const QStringList lines = text.split(QLatin1Char('\n'));
    const auto finish = [&] {
        if (!current.trimmed().isEmpty())
            statements.append(current.trimmed());
        current.clear();
    };
    for (const QString &line : lines) {
        if (line.trimmed().isEmpty())
            finish();
        else if (!line.startsWith(QLatin1String("--")))
            current += line + QLatin1Char('\n');
    }
    finish();
    return statements;
}

int newestSchema()
{
    initSqlResource();
    const QStringList files = filesOf(QStringLiteral(":/sql"));
    return files.isEmpty() ? 0 : numberOf(files.last());
}

int schemaVersion(SqlConnection &connection)
{
    QSqlQuery query = connection.query();
    return query.exec(QStringLiteral("PRAGMA user_version")) && query.next() ? query.value(0).toInt() : -1;
}

Outcome migrate(SqlConnection &connection, const std::string &path, const QString &folder, const std::function<Outcome(int from)> &beforeCommit)
{
    const QStringList files = filesOf(folder);
    const int known = files.isEmpty() ? 0 : numberOf(files.last());
    const int version = schemaVersion(connection);
    if (version < 0 || known == 0)
        return migrationError("The schema number of '" + path + "' cannot be read.");
    if (version > known)
        return migrationError("The database '" + path + "' has schema " + std::to_string(version)
                              + "; this program knows up to " + std::to_string(known)
                              + ". Start the newer program again, or put back the copy '" + path + ".backup-v"
                              + std::to_string(known) + "'.");
    if (version == known)
        return {};
    if (version > 0) {
        if (const Outcome failure = backUp(connection, path, version))
            return failure;
    }
    bool good = connection.begin();
    for (const QString &file : files) {
        if (good && numberOf(file) > version)
            good = runFile(connection, folder + QLatin1Char('/') + file) && schemaVersion(connection) == numberOf(file);
    }
    const Outcome failure = good && beforeCommit ? beforeCommit(version) : Outcome();
    if (good && !failure && connection.commit())
        return {};
    connection.rollback();
    if (failure)
        return failure;
    return migrationError("The schema of '" + path + "' could not be changed from " + std::to_string(version) + " to "
                          + std::to_string(known) + "; it is as it was before.");
}

} // namespace llmproxy
