import Host
import Machine
import NIOCore
import NIOHTTP1
import NIOPosix

/// Serves the metrics to whoever scrapes them, on an address of this machine only: nobody is asked who they are.
struct MetricsServer {
  let address: String
  let port: Int

  /// Reads "127.0.0.1:9464" or "[::1]:9464"; port 0 is any that is free.
  init(_ text: String) throws(ConfigurationError) {
    let option = "--serve \(text)"
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
      throw ConfigurationError(option, "give an address and a port, like 127.0.0.1:9464")
    }
    let host = text[..<colon]
    let isIPv4 = host.hasPrefix("127.") && (try? SocketAddress(ipAddress: String(host), port: 0)) != nil
    guard isIPv4 || host == "[::1]" else {
      throw ConfigurationError(option, "it serves this machine only: 127.0.0.1 or [::1]")
    }
    address = isIPv4 ? String(host) : "::1"
    self.port = Int(port)
  }

  /// Serves until the process is ended.
  func run() throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(MetricsHandler())
        }
      }
    let channel: any Channel
    do { channel = try bootstrap.bind(host: address, port: port).wait() } catch {
      throw ConfigurationError("--serve \(address):\(port)", "it cannot be had: \(error)")
    }
    let place = address.contains(":") ? "[\(address)]" : address
    StandardError.say("serving http://\(place):\(channel.localAddress?.port ?? port)/metrics")
    try channel.closeFuture.wait()
  }
}

/// Answers GET and HEAD of /metrics, in the format that is asked for.
private final class MetricsHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private var request: HTTPRequestHead?

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): request = head
    case .body: break
    case .end:
      if let request { answer(request, context) }
      request = nil
    }
  }

  private func answer(_ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
    var status = HTTPResponseStatus.ok
    var type = "text/plain; charset=utf-8"
    var body = ""
    if request.method != .GET, request.method != .HEAD {
      status = .methodNotAllowed
    } else if request.uri.prefix(while: { $0 != "?" }) != "/metrics" {
      status = .notFound
      body = "see /metrics\n"
    } else {
      let format: Exposition.Format =
        request.headers[canonicalForm: "accept"].contains { $0.hasPrefix("application/openmetrics-text") }
        ? .openmetrics : .prometheus
      type = format.contentType
      do { body = try GuestMetrics(Street()).text(format) } catch {
        status = .internalServerError
        body = "\(error)\n"
      }
    }
    let buffer = context.channel.allocator.buffer(string: body)
    var headers = HTTPHeaders([("content-type", type), ("content-length", String(buffer.readableBytes))])
    if status == .methodNotAllowed { headers.add(name: "allow", value: "GET, HEAD") }
    let head = HTTPResponseHead(version: request.version, status: status, headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if request.method != .HEAD { context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil) }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    if !request.isKeepAlive { context.close(promise: nil) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

extension Exposition.Format {
  fileprivate var contentType: String {
    switch self {
    case .openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
    case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
    }
  }
}
