// A minimal WebSocket server connection (RFC 6455): text in and out,
// fragments, ping, close; no extensions. Binary messages are read as text, as OpenClaw does.
import { createHash } from "node:crypto";

const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const CONTINUATION = 0, TEXT = 1, CLOSE = 8, PING = 9, PONG = 10;
const MAXIMUM_CONTROL = 125;
const CLOSE_GRACE = 2000;

// Answer an upgrade request; return undefined if it is not for a WebSocket.
export function acceptWebSocket(request, socket, head) {
  const key = request.headers["sec-websocket-key"];
  if (request.headers.upgrade?.toLowerCase() !== "websocket" || !key) {
    socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    return undefined;
  }
  const accept = createHash("sha1").update(key + ACCEPT_SUFFIX).digest("base64");
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.unshift(head);
  return new WebSocketConnection(socket);
}

class WebSocketConnection {
  onMessage = () => {};
  onClose = () => {};
  maximumPayload = 65_536;
  #socket;
  #buffer = Buffer.alloc(0);
  #fragments = [];
  #sentClose = false;
  #closeCode = 1006;
  #closeReason = "";

  constructor(socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("error", () => socket.destroy());
    socket.on("end", () => socket.end());
    socket.on("close", () => this.onClose(this.#closeCode, this.#closeReason));
  }

  send(value) {
    if (!this.#sentClose) this.#write(TEXT, Buffer.from(JSON.stringify(value)));
  }

  close(code = 1000, reason = "") {
    if (this.#sentClose) return;
    const words = fitting(reason, MAXIMUM_CONTROL - 2);
    const payload = Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(words)]);
    this.#write(CLOSE, payload);
    this.#sentClose = true;
    [this.#closeCode, this.#closeReason] = [code, words];
    // The peer should answer with its own close frame; don't wait for one that doesn't.
    setTimeout(() => this.#socket.destroy(), CLOSE_GRACE).unref();
  }

  #receive(chunk) {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    for (let frame = this.#nextFrame(); frame; frame = this.#nextFrame()) this.#handle(frame);
  }

  #nextFrame() {
    const header = readHeader(this.#buffer);
    if (!header) return undefined;
    if (header.reserved || !header.masked) return this.#abandon(1002);
    if (header.length > this.maximumPayload) return this.#abandon(1009);
    const end = header.size + 4 + header.length;
    if (this.#buffer.length < end) return undefined;
    const mask = this.#buffer.subarray(header.size, header.size + 4);
    const payload = Buffer.from(this.#buffer.subarray(header.size + 4, end));
    for (let index = 0; index < payload.length; index++) payload[index] ^= mask[index & 3];
    this.#buffer = this.#buffer.subarray(end);
    return { ...header, payload };
  }

  #handle({ opcode, final, payload }) {
    if (opcode === CLOSE) return this.#answerClose(payload);
    if (this.#sentClose) return;
    if (opcode === PING) return this.#write(PONG, payload);
    if (opcode === PONG) return;
    if (opcode !== CONTINUATION) this.#fragments = [];
    this.#fragments.push(payload);
    if (final) this.onMessage(Buffer.concat(this.#fragments).toString());
  }

  // Nothing after such a frame can be read, not even the peer's close frame.
  #abandon(code) {
    this.close(code);
    this.#socket.end();
  }

  #answerClose(payload) {
    if (!this.#sentClose) {
      this.close(payload.length < 2 ? 1000 : payload.readUInt16BE(0), payload.subarray(2).toString());
    }
    this.#socket.end();
  }

  #write(opcode, payload) {
    this.#socket.write(Buffer.concat([frameHeader(opcode, payload.length), payload]));
  }
}

function readHeader(buffer) {
  if (buffer.length < 2) return undefined;
  const short = buffer[1] & 0x7f;
  const size = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (buffer.length < size) return undefined;
  return {
    size,
    length: size === 10 ? Number(buffer.readBigUInt64BE(2)) : size === 4 ? buffer.readUInt16BE(2) : short,
    final: Boolean(buffer[0] & 0x80),
    reserved: buffer[0] & 0x70,
    opcode: buffer[0] & 0x0f,
    masked: Boolean(buffer[1] & 0x80),
  };
}

function frameHeader(opcode, length) {
  const size = length > 0xffff ? 10 : length > 125 ? 4 : 2;
  const header = Buffer.alloc(size);
  header[0] = 0x80 | opcode;
  header[1] = size === 10 ? 127 : size === 4 ? 126 : length;
  if (size === 10) header.writeBigUInt64BE(BigInt(length), 2);
  if (size === 4) header.writeUInt16BE(length, 2);
  return header;
}

// Cut to a number of bytes without splitting a character.
const fitting = (text, bytes) => Buffer.from(text).subarray(0, bytes).toString().replace(/\uFFFD+$/, "");
