import Glibc
import Host
import Machine
import Metering

/// Starts a guest that goes on when this program has ended.
final class DetachedStart {
  private let vmm: ChildProcess
  /// What the VMM says until its guest runs; it ends then.
  private let messages: SharedDescriptor
  private let meter: SharedDescriptor

  /// Starts the VMM of a guest whose folder is in the configuration.
  ///
  /// - Parameter kernel: what was unpacked of the kernel; nil: nothing.
  init(_ configuration: Configuration, meter: SharedDescriptor, kernel: SharedDescriptor?) throws(HostError) {
    var configuration = configuration
    configuration.isDetached = true
    self.meter = meter
    let program = try VMMProgram()
    let nothing: SharedDescriptor
    // The VMM's end of the pipe, which is closed here when this function returns.
    let errors: SharedDescriptor
    do throws(SystemCallError) {
      nothing = SharedDescriptor(try .open("/dev/null", .readWrite))
      let pipe = try Pipe()
      messages = SharedDescriptor(try .duplicate(of: pipe.reading.number))
      errors = SharedDescriptor(try .duplicate(of: pipe.writing.number))
    } catch {
      throw HostError(error)
    }
    vmm = try program.start(
      configuration, streams: [nothing.number, nothing.number, errors.number], meter: meter, kernel: kernel,
      isTied: false)
  }

  /// Waits until the guest runs, and passes on what its VMM has to say meanwhile.
  ///
  /// - Returns: nil when it runs, or ran; else the exit status of a VMM that has said why it does not.
  func wait() throws(HostError) -> Int32? {
    do throws(SystemCallError) {
      let errors = try Descriptor.duplicate(of: STDERR_FILENO)
      while true {
        let bytes = try messages.descriptor.read(atMost: 4096)
        if bytes.isEmpty { break }
        try? errors.writeAll(bytes)
      }
      let state = try MeterReading(of: meter.descriptor)?.state
      if let state, state.isLive || state == .ended { return nil }
      // The pipe of a VMM that ends is closed a moment before its end can be collected.
      while true {
        guard let collected = try vmm.collect() else {
          usleep(1000)
          continue
        }
        if case .exited(let status) = collected.end { return status }
        break
      }
    } catch {
      // What cannot be read or collected has ended as well.
    }
    throw HostError("the VMM ended before its guest ran")
  }
}
