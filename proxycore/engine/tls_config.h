// SPDX-License-Identifier: GPL-3.0-only
// From the settings to what front needs for TLS. Thread: any.
#pragma once

#include "config/settings.h"
#include "front/tls.h"

namespace llmproxy {

inline TlsConfig tlsConfigOf(const Settings &settings)
{
    return {settings.tlsCertFile, settings.tlsKeyFile, settings.tlsMinVersion, settings.tlsCiphers};
}

} // namespace llmproxy
