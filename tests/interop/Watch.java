import java.io.File;
import java.util.Arrays;
import javax.security.auth.kerberos.KerberosPrincipal;
import javax.security.auth.kerberos.KeyTab;

/**
 * Reads a keytab over and over while somebody writes it, until a file is there:
 * {@code java Watch.java FILE UNTIL PRINCIPAL...} → how often; before that, each principal that a read found no key of.
 */
public class Watch {
    public static void main(String[] arguments) {
        var keytab = new File(arguments[0]);
        var until = new File(arguments[1]);
        var principals = Arrays.stream(arguments).skip(2).map(KerberosPrincipal::new).toList();
        int reads = 0;
        for (; !until.exists(); reads++) {
            for (var principal : principals) {
                if (KeyTab.getInstance(principal, keytab).getKeys(principal).length == 0) {
                    System.out.println("read " + reads + " has no key of " + principal);
                }
            }
        }
        System.out.println(reads);
    }
}
