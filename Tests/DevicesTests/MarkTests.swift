import Devices
import Host
import Synchronization
import Testing

@Suite("Marks")
struct MarkTests {
  private final class Recorder: MarkRecorder {
    struct Mark: Equatable {
      var value: UInt8
      var source: MarkSource
      var time: Instant
    }
    let marks = Mutex<[Mark]>([])

    func record(_ mark: UInt8, from source: MarkSource, at time: Instant) {
      marks.withLock { $0.append(Mark(value: mark, source: source, time: time)) }
    }

    var values: [UInt8] { marks.withLock { $0.map(\.value) } }
    func come(only source: MarkSource) -> Bool { marks.withLock { $0.allSatisfy { $0.source == source } } }
  }

  private let recorder = Recorder()

  @Test func bootTimerKnowsOneByte() {
    let timer = BootTimer(recorder: recorder)
    let before = Instant.now
    for value in UInt64(0)...255 { timer.write(offset: 0, size: 1, value: value) }
    timer.write(offset: 0, size: 4, value: 123)
    timer.write(offset: 1, size: 1, value: 123)
    #expect(recorder.values == [123])
    #expect(recorder.come(only: .bootTimer))
    let time = recorder.marks.withLock { $0[0].time }
    #expect(time >= before && time <= Instant.now)
    #expect(timer.read(offset: 0, size: 1) == .max)
  }

  @Test func everyPostCodeIsAMark() {
    let port = PostCode(recorder: recorder)
    #expect(port.read(offset: 0, size: 1) == 0)
    for value in UInt64(0)...255 { port.write(offset: 0, size: 1, value: value) }
    #expect(recorder.values == Array(0...255))
    #expect(recorder.come(only: .postCode))
    #expect(port.read(offset: 0, size: 1) == 255)
    let times = recorder.marks.withLock { $0.map(\.time) }
    #expect(times == times.sorted())
  }
}
