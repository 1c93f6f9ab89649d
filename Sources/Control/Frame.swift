/// One message between `rowhouse` and a guest's VMM, as bytes on a stream socket.
///
/// Twelve bytes, little-endian, then the body:
///
///     0  u32  bytes of the body, at most Frame.mostBytes
///     4  u16  version of the protocol
///     6  u16  kind of message
///     8  u32  id: a reply has its request's, what comes unasked has 0
///
/// These twelve bytes are so in every version, and so is the refusal ``ControlFault/otherVersion``: kind 0xffff, id 0,
/// and in two bytes its number. By it a peer of another version learns why the connection ends.
package struct Frame: Equatable, Sendable {
  package static let version: UInt16 = 1
  package static let headerBytes = 12
  package static let mostBytes = 16 << 10

  package var kind: UInt16
  package var id: UInt32
  package var body: [UInt8]

  package init(kind: UInt16, id: UInt32, body: [UInt8] = []) {
    self.kind = kind
    self.id = id
    self.body = body
  }

  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.headerBytes + body.count)
    bytes.append(little: UInt32(body.count))
    bytes.append(little: Self.version)
    bytes.append(little: kind)
    bytes.append(little: id)
    return bytes + body
  }
}

/// Cuts a stream of bytes into frames, however the socket cuts it into reads.
package struct FrameReader: Sendable {
  /// What no honest peer sends: the connection has to end, as nobody knows where the next frame starts.
  package enum Fault: Error, Equatable, Sendable {
    case unknownVersion(UInt16)
    case tooLong(UInt32)
  }

  private var buffer: [UInt8] = []

  package init() {}

  /// Whether a part of a frame has come and the rest has not.
  package var isInsideFrame: Bool { !buffer.isEmpty }

  package mutating func append(_ bytes: some Collection<UInt8>) { buffer.append(contentsOf: bytes) }

  /// The next whole frame, nil when more bytes are needed.
  package mutating func next() throws(Fault) -> Frame? {
    guard buffer.count >= Frame.headerBytes else { return nil }
    var header = FieldReader(buffer[..<Frame.headerBytes])
    guard let count = header.next(UInt32.self), let version = header.next(UInt16.self),
      let kind = header.next(UInt16.self), let id = header.next(UInt32.self)
    else { return nil }
    // The length first: a version that is not ours says nothing of what follows, but no version is longer.
    guard count <= Frame.mostBytes else { throw .tooLong(count) }
    guard version == Frame.version else { throw .unknownVersion(version) }
    let end = Frame.headerBytes + Int(count)
    guard buffer.count >= end else { return nil }
    defer { buffer.removeFirst(end) }
    return Frame(kind: kind, id: id, body: Array(buffer[Frame.headerBytes..<end]))
  }
}
