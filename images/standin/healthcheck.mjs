// The image's own health check, for Compose files without one.
import { get } from "node:http";

get(`http://127.0.0.1:${process.env.OPENCLAW_GATEWAY_PORT || 18789}/healthz`, (answer) => {
  process.exit(answer.statusCode === 200 ? 0 : 1);
}).on("error", () => process.exit(1));
