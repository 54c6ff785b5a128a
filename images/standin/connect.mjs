// The handshake of OpenClaw's gateway protocol 4: challenge, `connect`, `hello-ok` or a
// refusal. Texts, codes and limits are those measured on 2026.9.6.
import { randomUUID } from "node:crypto";
import {
  METHOD_NAMES, admit, answerTo, enter, leave, missing, newDeviceToken, originProblem, proofProblem,
} from "./devices.mjs";
import { warn } from "./log.mjs";
import { CONNECT, REQUEST, problemOf } from "./parameters.mjs";
import { VERSION as STATE_VERSION } from "./state.mjs";

export const VERSION = `${STATE_VERSION}-standin`;
const PROTOCOL = 4;
const HANDSHAKE_TIMEOUT = 15_000;
const MAXIMUM_PAYLOAD = 26_214_400;

// OpenClaw locks a client out after ten wrong tokens in a minute, then refuses the right one too.
const FAILURES_ALLOWED = 10;
const FAILURE_WINDOW = 60_000;
const LOCKOUT = 300_000;

// Failed tokens by address; this machine's own addresses are never locked out.
const failures = new Map();

function lockedFor(address) {
  const entry = failures.get(address);
  return Math.max(0, (entry?.lockedUntil ?? 0) - Date.now());
}

function recordFailure(address) {
  if (address === "127.0.0.1") return;
  const now = Date.now();
  const times = [...(failures.get(address)?.times ?? []).filter((time) => time > now - FAILURE_WINDOW), now];
  failures.set(address, { times, lockedUntil: times.length < FAILURES_ALLOWED ? 0 : now + LOCKOUT });
}

// The frames of one connection. `token` is null if no token is valid. If `locks` is false, a
// wrong token is refused every time, without a lock-out.
export class Conversation {
  #webSocket;
  #request;
  #token;
  #locks;
  #allowedOrigins;
  #nonce = randomUUID();
  #listener;
  #cause = "";
  #connected = false;
  #id = randomUUID();
  #timer;

  constructor(webSocket, request, { token, locks, allowedOrigins }) {
    this.#webSocket = webSocket;
    this.#request = describe(request);
    [this.#token, this.#locks, this.#allowedOrigins] = [token, locks, allowedOrigins];
    webSocket.onMessage = (message) => this.#receive(message);
    webSocket.onClose = (code, reason) => this.#closed(code, reason);
    this.#timer = setTimeout(() => this.#timeOut(), HANDSHAKE_TIMEOUT);
    this.#event("connect.challenge", { nonce: this.#nonce, ts: Date.now(), capabilities: ["model-catalog-snapshot"] });
  }

  #receive(message) {
    let frame;
    try {
      frame = JSON.parse(message);
    } catch (error) {
      warn("gateway", `parse/handle error: ${error}`);
      if (!this.#connected) this.#webSocket.close();
      return;
    }
    if (this.#connected) this.#answer(frame);
    else this.#connect(frame);
  }

  #connect(frame) {
    if (problemOf(frame, REQUEST)) {
      warn("ws", `invalid handshake conn=${this.#id} ${this.#request.line}`);
      return this.#webSocket.close(1008, "invalid request frame");
    }
    if (frame.method !== "connect") return this.#refuse(frame, "invalid handshake: first request must be connect");
    const parameters = frame.params;
    const problem = problemOf(parameters, CONNECT);
    if (problem) return this.#refuse(frame, `invalid connect params: ${problem}`);
    if (!speaksOurProtocol(parameters)) return this.#refuseProtocol(frame);
    if (!["operator", "node"].includes(parameters.role ?? "operator")) return this.#refuse(frame, "invalid role");
    const foreign = originProblem(this.#request, this.#allowedOrigins);
    if (foreign) {
      return this.#refuse(
        frame, `${foreign} (open the Control UI from the gateway host or allow it in gateway.controlUi.allowedOrigins)`,
        { details: { code: "CONTROL_UI_ORIGIN_NOT_ALLOWED", reason: foreign } },
      );
    }
    const proof = parameters.device && proofProblem(parameters, this.#nonce);
    if (proof) return this.#refuse(frame, proof[0], { details: { code: proof[1], reason: proof[2] } });
    // Either field may carry the secret, whatever the mode.
    const secret = parameters.auth?.token || parameters.auth?.password;
    if (!secret && parameters.device) return this.#refuseWithoutToken(frame);
    if (!secret) {
      return this.#refuse(frame, "device identity required", {
        code: "NOT_PAIRED", details: { code: "DEVICE_IDENTITY_REQUIRED" },
      });
    }
    const wait = lockedFor(this.#request.address);
    if (wait) return this.#refuseLocked(frame, wait);
    if (secret !== this.#token) return this.#refuseToken(frame);
    failures.delete(this.#request.address);
    const pairing = parameters.device && admit(parameters, this.#request);
    if (pairing) {
      const { deviceId, requestId, reason } = pairing.details;
      this.#cause = ` phase=auth_validated cause=pairing-required deviceId=${deviceId} requestId=${requestId} reason=${reason}`;
      return this.#refuse(frame, pairing.message, { code: "NOT_PAIRED", ...pairing });
    }
    this.#welcome(frame);
  }

  #welcome(frame) {
    clearTimeout(this.#timer);
    this.#connected = true;
    this.#webSocket.maximumPayload = MAXIMUM_PAYLOAD;
    const { device, role = "operator", scopes = [] } = frame.params;
    this.#listener = {
      deviceId: device?.id,
      // A client without a device gets no scopes, whatever it requested.
      scopes: device ? scopes : [],
      event: (event, payload) => this.#event(event, payload),
      close: (code, reason) => this.#webSocket.close(code, reason),
    };
    enter(this.#listener);
    this.#respond(frame, {
      type: "hello-ok",
      protocol: PROTOCOL,
      server: { version: VERSION, connId: this.#id },
      features: { methods: ["health", ...METHOD_NAMES], events: ["connect.challenge", "tick", "device.pair.requested", "device.pair.resolved"] },
      snapshot: {
        presence: [], health: health(), stateVersion: { presence: 1, health: 1 },
        uptimeMs: Math.round(process.uptime() * 1000),
      },
      auth: {
        method: "token", role, scopes: this.#listener.scopes,
        ...(device ? { deviceToken: newDeviceToken(), issuedAtMs: Date.now() } : {}),
      },
      policy: { maxPayload: MAXIMUM_PAYLOAD, maxBufferedBytes: 2 * MAXIMUM_PAYLOAD, tickIntervalMs: 30_000 },
    });
    this.#event("tick", { ts: Date.now() }, { seq: 1 });
  }

  #answer(frame) {
    const problem = problemOf(frame, REQUEST);
    if (problem) return this.#fail({ id: frame?.id ?? "invalid" }, `invalid request frame: ${problem}`);
    if (frame.method === "health") return this.#respond(frame, health());
    const answer = answerTo(frame, this.#listener.scopes) ?? missing("operator.read");
    if (answer.payload) return this.#respond(frame, answer.payload);
    this.#fail(frame, answer.message, answer.error);
  }

  #refuseProtocol(frame) {
    const { minProtocol, maxProtocol } = frame.params;
    this.#refuse(frame, "protocol mismatch", {
      closeCode: 1002,
      details: {
        code: "PROTOCOL_MISMATCH", clientMinProtocol: minProtocol, clientMaxProtocol: maxProtocol,
        expectedProtocol: PROTOCOL, minimumProbeProtocol: 3,
      },
    });
  }

  #refuseWithoutToken(frame) {
    const words = "gateway token missing (paste in Control UI settings or openclaw doctor --generate-gateway-token; restart)";
    this.#refuseAuth(frame, words, {}, {
      code: "AUTH_TOKEN_MISSING", authReason: "token_missing", canRetryWithDeviceToken: false,
      recommendedNextStep: "update_auth_configuration",
    });
  }

  #refuseToken(frame) {
    if (this.#locks) recordFailure(this.#request.address);
    const { client, device } = frame.params;
    const hint = client.mode === "cli"
      ? "set gateway.remote.token to match gateway.auth.token"
      : client.id === "openclaw-control-ui"
        ? "open the dashboard URL and paste the token in Control UI settings"
        : "provide gateway auth token";
    this.#refuseAuth(frame, `gateway token mismatch (${hint})`, {}, {
      code: "AUTH_TOKEN_MISMATCH", authReason: "token_mismatch", canRetryWithDeviceToken: Boolean(device),
      recommendedNextStep: device ? "retry_with_device_token" : "update_auth_credentials",
    });
  }

  #refuseLocked(frame, retryAfterMs) {
    this.#refuseAuth(frame, "too many failed authentication attempts (retry later)", { retryable: true, retryAfterMs }, {
      code: "AUTH_RATE_LIMITED", authReason: "rate_limited", canRetryWithDeviceToken: false,
      recommendedNextStep: "wait_then_retry",
    });
  }

  #refuseAuth(frame, words, retry, details) {
    const { client, role = "operator" } = frame.params;
    const message = `unauthorized: ${words}`;
    warn(
      "ws",
      `unauthorized conn=${this.#id} ${this.#request.line} client=${client.id} ${client.mode} v${client.version} ` +
        `role=${role} auth=token device=no reason=${details.authReason} guidance=${message}`,
    );
    this.#refuse(frame, message, { ...retry, details });
  }

  #refuse(frame, message, { closeCode = 1008, closeReason = message, ...error } = {}) {
    this.#fail(frame, message, error);
    this.#webSocket.close(closeCode, closeReason);
  }

  #fail(frame, message, error = {}) {
    this.#webSocket.send({
      type: "res", id: frame.id, ok: false, error: { code: "INVALID_REQUEST", message, ...error },
    });
  }

  #respond(frame, payload) {
    this.#webSocket.send({ type: "res", id: frame.id, ok: true, payload });
  }

  #event(event, payload, more = {}) {
    this.#webSocket.send({ type: "event", event, payload, ...more });
  }

  #timeOut() {
    warn("ws", `handshake timeout conn=${this.#id} ${this.#request.line}`);
    this.#webSocket.close();
  }

  #closed(code, reason) {
    clearTimeout(this.#timer);
    leave(this.#listener);
    if (this.#connected) return;
    warn("ws", `closed before connect conn=${this.#id} ${this.#request.line} code=${code} reason=${reason || "n/a"}${this.#cause}`);
  }
}

// A probe may be one version behind.
function speaksOurProtocol({ minProtocol, maxProtocol, client }) {
  return minProtocol <= PROTOCOL && maxProtocol >= (client.mode === "probe" ? PROTOCOL - 1 : PROTOCOL);
}

const health = () => ({ ok: true, ts: Date.now() });

function describe({ socket, headers }) {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  const line =
    `peer=${remoteAddress}:${remotePort}->${localAddress}:${localPort} remote=${remoteAddress} fwd=n/a ` +
    `origin=${headers.origin ?? "n/a"} host=${headers.host ?? "n/a"} ua=${headers["user-agent"] ?? "n/a"}`;
  return { address: remoteAddress, origin: headers.origin, host: headers.host ?? "", line };
}
