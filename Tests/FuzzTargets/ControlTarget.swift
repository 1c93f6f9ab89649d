import Control

/// A stream of any bytes, as a hostile peer sends it on control.sock or console.sock: it is cut into the same frames
/// however it comes in pieces, up to the same fault, and a message is taken for one only if it would be sent so.
func fuzzControl(_ input: inout FuzzInput) {
  let pieces = (0..<4).map { _ in 1 + input.below(64) }
  var stream: [UInt8] = []
  while !input.isEmpty {
    if input.byte() & 1 == 0 {
      // A sound header, or few inputs would come as far as a message.
      let kind = UInt16(input.byte()) | [0, 0x100, 0x8000, 0x8100, 0xff00][input.below(5)]
      stream += Frame(kind: kind, id: UInt32(input.byte()), body: input.some(24)).bytes
    } else {
      stream += input.some(32)
    }
  }
  let atOnce = read(stream, pieces: [max(1, stream.count)])
  precondition(atOnce == read(stream, pieces: pieces), "frames depend on how the stream came")
  for frame in atOnce.frames { check(frame) }
}

/// What a reader makes of a stream.
private struct Reading: Equatable {
  var frames: [Frame] = []
  var fault: FrameReader.Fault?
}

/// - Parameter pieces: the lengths in which the stream comes, over and over.
private func read(_ stream: [UInt8], pieces: [Int]) -> Reading {
  var reader = FrameReader()
  var reading = Reading()
  var (start, turn) = (0, 0)
  while start < stream.count {
    let end = min(start + pieces[turn % pieces.count], stream.count)
    reader.append(stream[start..<end])
    (start, turn) = (end, turn + 1)
    do throws(FrameReader.Fault) {
      while let frame = try reader.next() {
        precondition(frame.body.count <= Frame.mostBytes, "a frame is longer than frames may be")
        reading.frames.append(frame)
      }
    } catch {
      // Whoever reads closes the connection.
      reading.fault = error
      return reading
    }
  }
  return reading
}

private func check(_ frame: Frame) {
  if let request = try? ControlRequest(frame) {
    precondition(request.frame(id: frame.id) == frame, "a request that nobody sends")
  }
  if let message = try? ViewerMessage(frame) {
    precondition(message.frame(id: frame.id) == frame, "a viewer's message that nobody sends")
  }
  if let reply = ControlReply(frame) {
    precondition(reply.frame(id: frame.id) == frame, "a reply that nobody sends")
  }
  if let message = ConsoleMessage(frame) {
    precondition(message.frame(id: frame.id) == frame, "a message to a viewer that nobody sends")
  }
}
