import CountingAllocator
import Glibc
import Host
import Machine

// rowhouse-vmm, but for its allocator: at the end it prints how often vCPU threads have allocated. First it shows that
// it would notice, by a thread of such a name that does.

let allocating = try Thread(named: "vcpu control") { for _ in 0..<3 { allocate() } }
allocating.join()
print("control: \(vcpu_allocations()) of 3")

do throws(ConfigurationError) {
  let configuration = try Configuration(arguments: Array(CommandLine.arguments.dropFirst()))
  do throws(MachineError) {
    let verdict = try Runner(configuration).run()
    print("\(vcpu_allocations()) allocations")
    exit(verdict.exitStatus)
  } catch {
    StandardError.say("\(error)")
    exit(error.exitStatus)
  }
} catch {
  StandardError.say("\(error)")
  exit(2)
}
