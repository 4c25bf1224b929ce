// Certificates for origins, made with the openssl program: a CA of the tests, and leaves with every kind of defect.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { mustRun } from "./process.mjs";

class Pki {
  static async make() {
    const pki = new Pki();
    pki.folder = fs.mkdtempSync(path.join(os.tmpdir(), "sekisho-pki-"));
    process.on("exit", () => fs.rmSync(pki.folder, { recursive: true, force: true }));
    pki.caPath = path.join(pki.folder, "ca.pem");
    await mustRun("openssl", [
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
      "-subj", "/CN=Test origins' CA", "-keyout", path.join(pki.folder, "ca.key"), "-out", pki.caPath,
      "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
    ]);
    return pki;
  }

  // { key, cert } as PEM text for names and addresses. `days` < 0: expired. `selfSigned`: by its own key.
  async leaf(names, { days = 20, selfSigned = false, key: keyArgs } = {}) {
    const base = path.join(this.folder, `leaf-${Math.random().toString(36).slice(2)}`);
    const san = names.map((name) => (/^[\d.]+$|:/.test(name) ? `IP:${name}` : `DNS:${name}`)).join(",");
    fs.writeFileSync(`${base}.ext`, `subjectAltName=${san}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n`);
    const newKey = keyArgs ?? ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    await mustRun("openssl", ["req", ...newKey, "-nodes", "-subj", `/CN=${names[0]}`, "-keyout", `${base}.key`, "-out", `${base}.csr`]);
    const signer = selfSigned
      ? ["-signkey", `${base}.key`]
      : ["-CA", this.caPath, "-CAkey", path.join(this.folder, "ca.key"), "-CAcreateserial"];
    await mustRun("openssl", [
      "x509", "-req", "-in", `${base}.csr`, ...signer, "-days", String(days), "-extfile", `${base}.ext`, "-out", `${base}.pem`,
    ]);
    return { key: fs.readFileSync(`${base}.key`, "utf8"), cert: fs.readFileSync(`${base}.pem`, "utf8"), base };
  }
}

let shared;

// One CA for all tests of a file; it goes when the file's process ends.
export const sharedPki = () => (shared ??= Pki.make());
