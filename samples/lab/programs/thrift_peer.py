"""A Thrift peer whose code is written by hand as the generator would: serve or call, address, port, then key=value.

Words: protocol (binary, compact, json), transport (framed, buffered, http), service (a name makes it multiplexed), and those of words.py for TLS.
"""

import sys

from thrift.protocol import TBinaryProtocol, TCompactProtocol, TJSONProtocol, TMultiplexedProtocol
from thrift.Thrift import TApplicationException, TMessageType, TProcessor, TType
from thrift.TMultiplexedProcessor import TMultiplexedProcessor
from thrift.transport import THttpClient, TSocket, TSSLSocket, TTransport
from words import calls, server_tls, tls, words

given = words(4)
PROTOCOLS = {
    "binary": TBinaryProtocol.TBinaryProtocolFactory, "compact": TCompactProtocol.TCompactProtocolFactory,
    "json": TJSONProtocol.TJSONProtocolFactory,
}
factory = PROTOCOLS[given["protocol"]]()


def write(protocol, name, kind, sequence, field, text):
    protocol.writeMessageBegin(name, kind, sequence)
    protocol.writeStructBegin("reserve")
    protocol.writeFieldBegin("item", TType.STRING, field)
    protocol.writeString(text)
    protocol.writeFieldEnd()
    protocol.writeFieldStop()
    protocol.writeStructEnd()
    protocol.writeMessageEnd()
    protocol.trans.flush()


def read(protocol):
    protocol.readStructBegin()
    while True:
        _, kind, _ = protocol.readFieldBegin()
        if kind == TType.STOP:
            break
        protocol.skip(kind)
        protocol.readFieldEnd()
    protocol.readStructEnd()
    protocol.readMessageEnd()


class Inventory(TProcessor):
    def process(self, incoming, outgoing):
        name, _, sequence = incoming.readMessageBegin()
        read(incoming)
        if name == "reserve":
            write(outgoing, name, TMessageType.REPLY, sequence, 0, "reserved")
            return
        outgoing.writeMessageBegin(name, TMessageType.EXCEPTION, sequence)
        TApplicationException(TApplicationException.UNKNOWN_METHOD, f"no method {name}").write(outgoing)
        outgoing.writeMessageEnd()
        outgoing.trans.flush()


def serve(address, port):
    from thrift.server import THttpServer, TServer

    processor = Inventory()
    if "service" in given:
        processor = TMultiplexedProcessor()
        processor.registerProcessor(given["service"], Inventory())
    if given["transport"] == "http":
        THttpServer.THttpServer(processor, (address, port), factory).serve()
    transports = {"framed": TTransport.TFramedTransportFactory, "buffered": TTransport.TBufferedTransportFactory}
    listening = TSocket.TServerSocket(address, port)
    if "cert" in given:
        listening = TSSLSocket.TSSLServerSocket(address, port, ssl_context=server_tls(given), validate_callback=lambda *_: None)
    TServer.TThreadedServer(processor, listening, transports[given["transport"]](), factory, daemon=True).serve()


def call(address, port):
    if given["transport"] == "http":
        transport = THttpClient.THttpClient(f"http://{address}:{port}/thrift")
    else:
        wrap = {"framed": TTransport.TFramedTransport, "buffered": TTransport.TBufferedTransport}
        one = TSocket.TSocket(address, port)
        if "ca" in given:
            one = TSSLSocket.TSSLSocket(address, port, ssl_context=tls(given), server_hostname=given["name"], validate_callback=lambda *_: None)
        transport = wrap[given["transport"]](one)
    protocol = factory.getProtocol(transport)
    if "service" in given:
        protocol = TMultiplexedProtocol.TMultiplexedProtocol(protocol, given["service"])
    transport.open()
    for sequence, name in enumerate(("reserve", "reserve", "vanish")[:calls(3)], 1):
        write(protocol, name, TMessageType.CALL, sequence, 1, "chair")
        protocol.readMessageBegin()
        read(protocol)
    transport.close()


{"serve": serve, "call": call}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
