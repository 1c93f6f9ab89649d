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
  init(_ configuration: Configuration, meter: SharedDescriptor) throws(HostError) {
    var configuration = configuration
    configuration.meter = "/proc/self/fd/\(Supervisor.meterPlace)"
    configuration.isDetached = true
    self.meter = meter
    let program = try VMMProgram.find()
    do throws(SystemCallError) {
      StandardDescriptors.ensureOpen()
      // As for the supervisor's VMM: its end must be there to be collected.
      signal(SIGCHLD, SIG_DFL)
      let nothing = try Descriptor.open("/dev/null", .readWrite)
      // Its writing end is closed here when this function returns.
      let pipe = try Pipe()
      messages = SharedDescriptor(try .duplicate(of: pipe.reading.number))
      vmm = try ChildProcess(
        program, configuration.arguments,
        descriptors: [nothing.number, nothing.number, pipe.writing.number, meter.number], defaults: [SIGPIPE],
        isTied: false)
    } catch where error.call.description == "exec" {
      throw HostError("\(program) cannot be started: \(error.errno)")
    } catch {
      throw HostError(error)
    }
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
      if state == .running || state == .ended { return nil }
      // The pipe of a VMM that ends is closed a moment before its end can be collected.
      while true {
        if let end = try vmm.collect()?.end {
          if case .exited(let status) = end { return status }
          throw SystemCallError("exec", .interrupted)
        }
        usleep(1000)
      }
    } catch {
      throw HostError("the VMM ended before its guest ran")
    }
  }
}
