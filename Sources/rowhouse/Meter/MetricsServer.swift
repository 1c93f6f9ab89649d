import Host
import Machine
import NIOCore
import NIOHTTP1
import NIOPosix

/// Serves the metrics to whoever scrapes them, on an address of this machine only: nobody is asked who they are.
struct MetricsServer {
  let address: LoopbackAddress

  /// Reads "127.0.0.1:9464" or "[::1]:9464"; port 0 is any that is free.
  init(_ text: String) throws(ConfigurationError) {
    do throws(LoopbackAddress.Fault) { address = try LoopbackAddress(text) } catch {
      let reason =
        switch error {
        case .malformed: "give an address and a port, like 127.0.0.1:9464"
        case .notLoopback: "it serves this machine only: 127.0.0.1 or [::1]"
        }
      throw ConfigurationError("--serve \(text)", reason)
    }
  }

  /// Serves until the process is ended.
  func run() throws {
    let (channel, place) = try open { format in try GuestMetrics(Street()).text(format) }
    StandardError.say("serving http://\(place)/metrics")
    try channel.closeFuture.wait()
  }

  /// Serves until the channel is closed.
  ///
  /// - Parameter text: what is served in a format.
  /// - Returns: the channel, and where it is, with the port that it was given.
  func open(
    _ text: @escaping @Sendable (Exposition.Format) throws -> String
  ) throws -> (channel: any Channel, place: LoopbackAddress) {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(MetricsHandler(text))
        }
      }
    let channel: any Channel
    do { channel = try bootstrap.bind(host: address.host, port: Int(address.port)).wait() } catch {
      throw ConfigurationError("--serve \(address)", "it cannot be had: \(error)")
    }
    let port = channel.localAddress?.port.flatMap(UInt16.init(exactly:)) ?? address.port
    return (channel, address.with(port: port))
  }
}

/// Answers GET and HEAD of /metrics, in the format that is asked for.
private final class MetricsHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let text: (Exposition.Format) throws -> String
  private var request: HTTPRequestHead?

  init(_ text: @escaping (Exposition.Format) throws -> String) { self.text = text }

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
      do { body = try text(format) } catch {
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
    let sent = context.writeAndFlush(wrapOutboundOut(.end(nil)))
    if !request.isKeepAlive {
      // Not before all has gone: closing takes back what still waits for its reader.
      let channel = context.channel
      sent.whenComplete { _ in channel.close(promise: nil) }
    }
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
