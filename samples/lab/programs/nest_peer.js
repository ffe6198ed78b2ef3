// A microservice of NestJS over TCP. Arguments: serve or call, address, port, then key=value for TLS: ca, cert, key, name, auth.
const fs = require("node:fs");
const { createRequire } = require("node:module");
const load = createRequire(process.env.LAB_NODE + "/");
load("reflect-metadata");
const { ClientProxyFactory, MessagePattern, Payload, Transport } = load("@nestjs/microservices");
const { Controller, Module } = load("@nestjs/common");
const { NestFactory } = load("@nestjs/core");
const { lastValueFrom } = load("rxjs");

const [what, host, port, ...rest] = process.argv.slice(2);
const words = Object.fromEntries(rest.map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)]));
const file = (name) => (words[name] ? fs.readFileSync(words[name]) : undefined);
const options = { transport: Transport.TCP, options: { host, port: Number(port) } };
if (words.ca) {
  options.options.tlsOptions = {
    ca: file("ca"), cert: file("cert"), key: file("key"), servername: words.name, requestCert: words.auth !== "none",
    rejectUnauthorized: words.auth !== "optional",
  };
}

// What TypeScript's decorators would do.
class Inventory {
  reserve(item) {
    return `reserved ${item.name}`;
  }
}
const method = Object.getOwnPropertyDescriptor(Inventory.prototype, "reserve");
MessagePattern("inventory.reserve")(Inventory.prototype, "reserve", method);
Payload()(Inventory.prototype, "reserve", 0);
Controller()(Inventory);
class Shop {}
Module({ controllers: [Inventory] })(Shop);

async function main() {
  if (what === "serve") {
    const service = await NestFactory.createMicroservice(Shop, { ...options, logger: false });
    await service.listen();
    return;
  }
  const client = ClientProxyFactory.create(options);
  // Nothing ends a call whose connection was refused.
  setTimeout(() => process.exit(1), 5000).unref();
  const calls = Number(process.env.LAB_CALLS ?? 3);
  for (const name of ["chair", "table"].slice(0, calls)) {
    await lastValueFrom(client.send("inventory.reserve", { name }));
  }
  if (calls > 2) {
    await lastValueFrom(client.send({ cmd: "vanish" }, {})).catch(() => undefined);
  }
  await client.close();
}

main();
