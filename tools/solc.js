// A solc command over the soljson compiler in node_modules: what py-solc-x, forge and crytic tools expect of a binary.
// usage: node tools/solc.js <npm package> [--version | --standard-json] [--base-path P] [--include-path P ...]
"use strict";
const fs = require("fs");
const path = require("path");

const [packageName, ...args] = process.argv.slice(2);
const root = path.resolve(__dirname, "..");

function fail(message) {
  fs.writeSync(2, `solc: ${message}\n`);
  process.exit(1);
}

// Pipes may be non-blocking: a large output is written in several goes.
function writeAll(text) {
  const bytes = Buffer.from(text, "utf8");
  for (let at = 0; at < bytes.length; ) {
    try {
      at += fs.writeSync(1, bytes, at);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

function readAll() {
  const chunks = [];
  const chunk = Buffer.alloc(1 << 16);
  for (;;) {
    try {
      const size = fs.readSync(0, chunk, 0, chunk.length, null);
      if (size === 0) break;
      chunks.push(Buffer.from(chunk.subarray(0, size)));
    } catch (error) {
      if (error.code === "EOF") break;
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
  return Buffer.concat(chunks).toString("utf8");
}

const folders = [];
let wantsVersion = false;
let wantsJson = false;
for (let i = 0; i < args.length; i++) {
  const [flag, inline] = args[i].split(/=(.*)/s);
  if (flag === "--version") wantsVersion = true;
  else if (flag === "--standard-json") wantsJson = true;
  else if (flag === "--base-path") folders.unshift(inline ?? args[++i]);
  else if (flag === "--include-path") folders.push(inline ?? args[++i]);
  else if (flag === "--allow-paths") inline ?? ++i;
  else if (flag !== "-") fail(`option not supported by this wrapper: ${args[i]}`);
}
// Ape compiles a copy of the sources elsewhere; node_modules stays here.
folders.push(root);

const listeners = process.listeners("uncaughtException");
const solc = require(require.resolve(packageName, { paths: [root] }));
// soljson installs handlers that rethrow with its whole source in the message
process.removeAllListeners("uncaughtException");
listeners.forEach((listener) => process.on("uncaughtException", listener));

function readImport(source) {
  for (const folder of folders) {
    const file = path.resolve(folder, source);
    if (fs.existsSync(file)) return { contents: fs.readFileSync(file, "utf8") };
  }
  return { error: `${source} is not in ${folders.join(" or ")}` };
}

if (wantsVersion) {
  const version = solc.version().replace("Emscripten.clang", "Linux.g++");
  writeAll(`solc, the solidity compiler commandline interface\nVersion: ${version}\n`);
} else if (wantsJson) {
  writeAll(solc.compile(readAll(), { import: readImport }) + "\n");
} else {
  fail("say --version or --standard-json");
}
