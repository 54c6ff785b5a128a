// A stand-in for OpenClaw's gateway: one port for HTTP and WebSocket, with the same answers on
// the wire, without an agent. For tests and the demo; README.md lists its faults.
import { createServer as createHttpServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Conversation, VERSION } from "./connect.mjs";
import { dieAtOnce, misbehave, readFaults } from "./faults.mjs";
import { die, info, timestamp } from "./log.mjs";
import { readSettings } from "./settings.mjs";
import { migrateState } from "./state.mjs";
import { acceptWebSocket } from "./websocket.mjs";

const STOP_DELAY = 50;
const webSockets = new Set();

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Stand-in gateway</title>
<style>body { font: 1.1rem/1.5 system-ui; max-width: 36rem; margin: 4rem auto; padding: 0 1rem; color-scheme: light dark }</style>
<h1>Stand-in gateway</h1>
<p>This is not OpenClaw. It answers as a gateway would, for Deploy Agent's tests and its demo,
and there is nobody to talk to here.</p>
</html>
`;

const faults = readFaults();
process.on("SIGTERM", stop);
dieAtOnce(faults);
info("gateway", "loading configuration…");
info("gateway", "resolving authentication…");
const settings = readSettings();
migrateState();
info("gateway", "starting...");
if (faults.has("slow-start")) await sleep(faults.get("slow-start")[0] * 1000);
info("gateway", "starting HTTP server...");
const server = faults.has("silent") ? createSilentServer() : createGateway();
server.on("error", failToListen);
server.listen(settings.port, settings.host, announce);

function createGateway() {
  return createHttpServer(answer).on("upgrade", converse);
}

// Accepts connections and never answers.
function createSilentServer() {
  return createTcpServer((socket) => socket.on("error", () => socket.destroy()).resume());
}

function announce() {
  const seconds = process.uptime().toFixed(1);
  info("gateway", `http server listening (0 plugins; ${seconds}s) on ws://${settings.host}:${settings.port}`);
  info("gateway", `ready (stand-in ${VERSION}${[...faults.keys()].map((name) => `, ${name}`).join("")})`);
  misbehave(faults, settings);
}

function answer(request, response) {
  const path = request.url.split("?")[0];
  const page = pageAt(path);
  if (!page) return send(response, 404, "text/plain", "Not Found");
  if (!["GET", "HEAD"].includes(request.method)) {
    response.setHeader("Allow", "GET, HEAD");
    return send(response, 405, "text/plain", "Method Not Allowed");
  }
  send(response, ...page);
}

function pageAt(path) {
  const json = (status, value) => [status, "application/json", JSON.stringify(value)];
  switch (path) {
    case "/healthz":
      return faults.has("never-healthy") ? json(503, { ok: false, status: "failing" }) : json(200, { ok: true, status: "live" });
    case "/readyz":
      return isReady() ? json(200, { ready: true }) : json(503, { ready: false });
    case "/startupz":
      return json(200, { ok: true, status: "started" });
    case "/":
      return [200, "text/html", PAGE];
  }
}

const isReady = () => !faults.has("never-healthy") && !faults.has("never-ready");

function send(response, status, type, body) {
  response.writeHead(status, {
    "Content-Type": `${type}; charset=utf-8`,
    "Content-Length": Buffer.byteLength(body),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
  });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

function converse(request, socket, head) {
  const webSocket = acceptWebSocket(request, socket, head);
  if (!webSocket) return;
  webSockets.add(webSocket);
  socket.on("close", () => webSockets.delete(webSocket));
  if (faults.has("no-greeting")) return;
  const refuses = faults.has("refuse-token");
  new Conversation(webSocket, request, {
    token: refuses ? null : settings.token, locks: !refuses, allowedOrigins: settings.allowedOrigins,
  });
}

function stop() {
  if (faults.has("ignore-sigterm")) return info("gateway", "received SIGTERM; told to ignore it");
  info("gateway", "received SIGTERM; shutting down");
  for (const webSocket of webSockets) webSocket.close(1012, "service restart");
  // Not immediately: the close frames must be sent first.
  setTimeout(() => {
    info("shutdown", `completed cleanly in ${STOP_DELAY}ms`);
    process.exit(0);
  }, STOP_DELAY);
}

function failToListen(error) {
  die(
    1,
    `${timestamp()} Gateway failed to start: another gateway instance is already listening on ` +
      `ws://${settings.host}:${settings.port} | ${error.message}\nPort ${settings.port} is already in use.`,
  );
}
