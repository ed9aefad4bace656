// SPDX-License-Identifier: GPL-3.0-only
// audit verify: the log of this installation through its engine, or a copied file by itself.
#include "audit_verify.h"

#include "audit/export_proof.h"
#include "audit/file_cipher.h"
#include "audit/log_set.h"
#include "base/clock.h"
#include "config/data_key.h"
#include "manage/views.h"
#include "output.h"
#include "process.h"
#include "progress_line.h"
#include "storage/audit_check.h"
#include "storage/database.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace llmproxy {

namespace {

struct VerifyOptions
{
    Target target;
    std::string file, publicKey, proof;
    std::vector<std::string> anchors;
    bool olderCopy = false;
};

void printPart(const QJsonObject &report, const char *name, const char *title)
{
    const QJsonObject part = report.value(QLatin1String(name)).toObject();
    if (part.isEmpty())
        return;
    printFields({{title, cell(part, "events") + " events, seq " + cell(part, "first_seq") + " to " + cell(part, "last_seq")},
                 {"", cell(part, "checkpoints") + " checkpoints, signed up to seq " + cell(part, "signed_to_seq")}});
    const QJsonArray problems = part.value(QLatin1String("problems")).toArray();
    for (const QJsonValue &problem : problems)
        printFields({{"", cell(problem.toObject(), "kind") + ": " + cell(problem.toObject(), "message")}});
}

int showReport(const QJsonObject &report, const Target &target)
{
    const bool valid = report.value(QLatin1String("valid")).toBool();
    if (target.json) {
        printJson(report);
    } else {
        printPart(report, "file", "file");
        printPart(report, "table", "table");
        note(valid ? "the audit log is what was written" : "the audit log is not what was written; first bad seq: " + cell(report, "first_bad_seq"));
    }
    return valid ? ExitOk : ExitFailed;
}

int verifyHere(const CommandLine &line, const VerifyOptions &o)
{
    OpenClient opened;
    if (const int code = openToRead(line.options, o.target, opened, Access::Records))
        return code;
    ApiAnswer answer;
    {
        const ProgressLine progress(*opened.client, "verifying");
        answer = opened.client->call("POST", "/manage/audit/verify");
    }
    return answer.ok() ? showReport(answer.body, o.target) : complain(answer);
}

// Of a file that is small by its nature. False: it is not, or cannot be read; the sentence is printed.
bool readSmall(const std::string &path, const char *option, std::string *text)
{
    constexpr size_t most = 1U << 20;
    if (const std::string why = whyNoFile(path); !why.empty()) {
        note(std::string(option) + ": '" + path + "' cannot be read: " + why);
        return false;
    }
    std::ifstream file(path, std::ios::binary);
    text->resize(most + 1);
    file.read(text->data(), static_cast<std::streamsize>(text->size()));
    text->resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    if (text->size() <= most && !file.bad())
        return true;
    note(std::string(option) + ": '" + path + "' " + (file.bad() ? "cannot be read" : "is larger than 1 MiB; a key or a proof is smaller"));
    return false;
}

// What audit export wrote, by its proof.
Result<AuditCheckReport> checkSlice(const std::string &file, const std::string &proofFile, const std::string &text, const CheckpointKeys *keys)
{
    const auto proof = readExportProof(text);
    if (!proof)
        return Error{ErrorKind::Invalid, "proof", "'" + proofFile + "' is not a proof of an export", "proof"};
    const auto report = verifyExport(file, *proof, keys);
    if (!report)
        return report.error();
    AuditCheckReport whole;
    whole.file = *report;
    return whole;
}

// A copy, without any event: against the table and the checkpoints' keys of this data directory where they are.
int verifyCopy(const CommandLine &line, const VerifyOptions &o)
{
    OpenClient opened; // holds what is read
    if (const std::string why = whyNoFile(o.file); !why.empty())
        return complain(ExitUsage, "--file: '" + o.file + "' cannot be read: " + why);
    for (const std::string &anchor : o.anchors) {
        if (const std::string why = whyNoFile(anchor); !why.empty())
            return complain(ExitUsage, "--anchor: '" + anchor + "' cannot be read: " + why);
    }
    CheckpointKeys keys;
    AuditCheckInput input;
    input.file = o.file;
    input.alone = true;
    input.olderCopy = o.olderCopy;
    input.anchors = o.anchors;
    if (!o.publicKey.empty()) {
        std::string pem;
        if (!readSmall(o.publicKey, "--public-key", &pem))
            return ExitUsage;
        if (!keys.add(pem))
            return complain(ExitUsage, "--public-key: '" + o.publicKey + "' is not an Ed25519 public key in PEM");
    } else {
        if (!loadToRead(settingSources(line.options, EnvFilePolicy::WorkingDirectory, false), opened.loaded))
            return ExitUsage;
        const Settings &settings = opened.loaded.settings;
        std::string database;
        if (const int code = openDatabaseToRead(opened, database))
            return code;
        if (std::filesystem::exists(database)) {
            input.database = settings.auditStoreInDb ? database : std::string();
            for (const std::string &pem : Database(DatabaseConfig{database}).auditPublicKeys())
                keys.add(pem);
        }
    }
    if (!keys.isEmpty())
        input.keys = &keys;
    else
        note("no public key: signatures are not verified (give --public-key or --data-dir)");
    const int64_t beganUs = Clock::steadyUs();
    const std::string proof = !o.proof.empty() ? o.proof : std::filesystem::exists(o.file + ".proof") ? o.file + ".proof" : std::string();
    std::string proofText;
    if (!proof.empty() && (o.olderCopy || !o.anchors.empty()))
        return complain(ExitUsage, std::string(o.olderCopy ? "--older-copy" : "--anchor") + ": an export is verified by its proof alone");
    if (!proof.empty() && !readSmall(proof, "--proof", &proofText))
        return ExitUsage;
    const auto report = proof.empty() ? checkAudit(input) : checkSlice(o.file, proof, proofText, input.keys);
    if (!report)
        return complain(ExitFailed, report.error().message);
    return showReport(auditCheckView(*report, (Clock::steadyUs() - beganUs) / 1000), o.target);
}

struct DecryptOptions
{
    Target target; // settings alone
    std::string file, output;
};

// With the keys of this data directory, beside a running engine too.
Result<KeyRing> keyRingHere(const Settings &settings, const std::string &database)
{
    const auto record = Database(DatabaseConfig{database}).keyRingRecord();
    if (!record)
        return Error{ErrorKind::Invalid, "database", "there is no database at '" + settings.databasePath + "', which knows the key (--data-dir)", {}};
    return openDataKeys(settings, *record);
}

int decrypt(const CommandLine &line, const DecryptOptions &o)
{
    OpenClient opened;
    if (!loadToRead(settingSources(line.options, EnvFilePolicy::WorkingDirectory, false), opened.loaded))
        return ExitUsage;
    std::string database;
    if (const int code = openDatabaseToRead(opened, database))
        return code;
    if (const std::string why = whyNoFile(o.file); !why.empty())
        return complain(ExitUsage, "'" + o.file + "' cannot be read: " + why);
    if (const std::string why = whyNoTarget(o.output); !why.empty())
        return complain(ExitUsage, "--output: " + why);
    const int from = open(o.file.c_str(), O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return complain(ExitUsage, "'" + o.file + "' cannot be read: " + std::strerror(errno));
    forbidCoreDumps();
    const auto keys = keyRingHere(opened.loaded.settings, database);
    const std::string unfinished = o.output + ".part";
    const int into = keys ? open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    const int error = errno;
    const Outcome failure = into >= 0 ? decryptFile(from, into, *keys) : Outcome();
    close(from);
    if (!keys)
        return complain(ExitFailed, keys.error().message);
    if (into < 0)
        return complain(ExitFailed, "'" + o.output + "' cannot be written: " + std::strerror(error));
    const bool isKept = !failure && fsync(into) == 0 && rename(unfinished.c_str(), o.output.c_str()) == 0;
    close(into);
    if (isKept)
        return ExitOk;
    unlink(unfinished.c_str());
    return complain(ExitFailed, failure ? "'" + o.file + "': " + failure->message : "'" + o.output + "' cannot be written");
}

} // namespace

void addAuditDecrypt(CLI::App *audit, CommandLine &line)
{
    auto o = std::make_shared<DecryptOptions>();
    CLI::App *command = audit->add_subcommand("decrypt", "Decrypt a rotated log (FILE.gz.enc) to FILE.gz, with the keys of the data directory");
    command->footer("Settings such as --data-dir are accepted too: llm-proxy --help settings");
    command->add_option("file", o->file, "The encrypted log")->required()->type_name("FILE");
    command->add_option("-o,--output", o->output, "Where to, 0600")->required()->type_name("FILE");
    command->callback([&line, o] { line.chosen = [&line, o] { return decrypt(line, *o); }; });
}

void addAuditVerify(CLI::App *audit, CommandLine &line)
{
    auto o = std::make_shared<VerifyOptions>();
    CLI::App *verify = audit->add_subcommand("verify", "Verify the log: its chain, its signatures, and file against table; exit code 1 names the first bad seq");
    addTarget(verify, o->target);
    verify->add_option("--file", o->file, "A copied log instead, plain or .gz; against the data directory where it has one")->type_name("FILE");
    verify->add_option("--public-key", o->publicKey, "With --file: by itself, with this key for its checkpoints")->type_name("FILE")->needs("--file");
    verify->add_option("--proof", o->proof, "With --file: it is an export, with this proof; default: FILE.proof when that is there")->type_name("FILE")->needs("--file");
    verify->add_option("--anchor", o->anchors, "With --file: checkpoints from outside, such as of journalctl -t llm-proxy -o cat")->type_name("FILE")->needs("--file");
    verify->add_flag("--older-copy", o->olderCopy, "With --file: fewer events than the table has are no fault when the last is a checkpoint")->needs("--file");
    verify->callback([&line, o] {
        line.chosen = [&line, o] { return o->file.empty() ? verifyHere(line, *o) : verifyCopy(line, *o); };
    });

    auto target = std::make_shared<Target>();
    CLI::App *key = audit->add_subcommand("public-key", "Print the public keys of this log's checkpoints, for audit verify --public-key");
    addTarget(key, *target);
    key->callback([&line, target] {
        line.chosen = [&line, target] {
            OpenClient opened;
            if (const int code = openToRead(line.options, *target, opened))
                return code;
            const ApiAnswer answer = opened.client->call("GET", "/manage/audit/public-key");
            if (!answer.ok())
                return complain(answer);
            if (target->json) {
                printJson(answer.body);
                return int{ExitOk};
            }
            const QJsonArray keys = answer.body.value(QLatin1String("public_keys")).toArray();
            for (const QJsonValue &pem : keys)
                print(pem.toString().toStdString());
            return int{ExitOk};
        };
    });
}

} // namespace llmproxy
