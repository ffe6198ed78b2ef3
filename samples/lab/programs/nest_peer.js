// A microservice of NestJS over TCP. Arguments: serve or call, address, port.
const { createRequire } = require("node:module");
const load = createRequire(process.env.LAB_NODE + "/");
load("reflect-metadata");
const { ClientProxyFactory, MessagePattern, Payload, Transport } = load("@nestjs/microservices");
const { Controller, Module } = load("@nestjs/common");
const { NestFactory } = load("@nestjs/core");
const { lastValueFrom } = load("rxjs");

const [what, host, port] = process.argv.slice(2);
const options = { transport: Transport.TCP, options: { host, port: Number(port) } };

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
  for (const name of ["chair", "table"]) {
    await lastValueFrom(client.send("inventory.reserve", { name }));
  }
  await lastValueFrom(client.send({ cmd: "vanish" }, {})).catch(() => undefined);
  await client.close();
}

main();
