// nginx as an origin: the usual program with a configuration of its own in a temporary folder.
import { atEnd } from "./cleanup.mjs";
import { spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { which } from "./process.mjs";
import { temporaryFolder } from "./sekisho.mjs";
import { eventually, within } from "./wait.mjs";

export const nginxProgram = which("nginx");

// For what takes no port 0: a free one is asked for and given back just before.
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

const answers = (port) =>
  new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });

// { httpPort, httpsPort, root }; `leaf` as Pki.leaf() gives it; `files`: { name: content } below the root.
export async function startNginx(t, { leaf, files = {}, locations = "" }) {
  const folder = temporaryFolder(t, "nginx");
  const root = path.join(folder, "root");
  fs.mkdirSync(root);
  for (const [name, content] of Object.entries(files)) fs.writeFileSync(path.join(root, name), content);
  const [httpPort, httpsPort] = [await freePort(), await freePort()];
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${folder}/${kind};`);
  // Workers of a master that is root would give up rights that they need to read the folder.
  const user = process.getuid() === 0 ? "user root;" : "";
  fs.writeFileSync(
    path.join(folder, "nginx.conf"),
    `${user} daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
     events { worker_connections 512; }
     http {
       access_log off; sendfile on; gzip on; gzip_types *; gzip_min_length 1; ${temporary.join(" ")}
       types { text/html html; text/css css; text/javascript js; image/svg+xml svg; }
       server {
         listen 127.0.0.1:${httpPort}; listen 127.0.0.1:${httpsPort} ssl;
         ssl_certificate ${leaf.base}.pem; ssl_certificate_key ${leaf.base}.key;
         root ${root}; ${locations}
       }
     }`,
  );
  const child = spawn(nginxProgram, ["-p", folder, "-c", path.join(folder, "nginx.conf"), "-e", path.join(folder, "error.log")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise((resolve) => child.on("close", resolve));
  atEnd(t, async () => {
    child.kill("SIGTERM");
    await within("nginx to end", ended);
  });
  await eventually("nginx to listen", async () => (await answers(httpPort)) && (await answers(httpsPort)));
  return { httpPort, httpsPort, root };
}
