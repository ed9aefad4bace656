// SPDX-License-Identifier: GPL-3.0-only
// The access tokens that a request sent, and what we know of them. Also of a request that is refused before anybody asks for one:
// its event names the token (ruling 47). Thread: any; the hasher's.
#pragma once

#include "access/snapshot.h"
#include "base/reason.h"
#include "front/http_types.h"
#include "secrets/access_token.h"

#include <string>

namespace llmproxy {

struct SentCredential
{
    // None: one token, and it is valid now. Else missing_token, conflicting_credentials, malformed, unknown, revoked, expired, superseded.
    Reason reason = Reason::MissingToken;
    TokenPtr token;                   // null: none that we know; of several different ones the first that we do
    Reason tokenState = Reason::None; // of token: revoked, expired or superseded
    std::string masked;               // of token, or of the first that was sent
};

// cleanQuery, where it is not null, gets the query without the parameters that are credentials.
SentCredential readCredential(const RequestHead &head, const Snapshot &snapshot, const AccessTokenHasher &hasher, std::string *cleanQuery);

} // namespace llmproxy
